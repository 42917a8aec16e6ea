// Text of a bounded length, without allocation.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace nslab::init {

template <std::size_t Capacity>
class Text {
 public:
  Text() { bytes_[0] = '\0'; }

  Text& operator<<(std::string_view text) {
    if (text.size() >= Capacity - size_) {
      whole_ = false;
      text = std::string_view(text.data(), Capacity - size_ - 1);
    }
    text.copy(bytes_.data() + size_, text.size());
    size_ += text.size();
    bytes_[size_] = '\0';
    return *this;
  }

  Text& operator<<(std::int64_t number) {
    std::array<char, 24> digits{};
    const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    return *this << std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data()));
  }

  [[nodiscard]] const char* c_str() const { return bytes_.data(); }

  [[nodiscard]] std::string_view view() const { return {bytes_.data(), size_}; }

  // False when something was cut off.
  [[nodiscard]] bool whole() const { return whole_; }

 private:
  // Not initialised: most of it is never touched.
  std::array<char, Capacity> bytes_;
  std::size_t size_ = 0;
  bool whole_ = true;
};

}  // namespace nslab::init
