// The few parts of the C++ runtime that this program needs, without exceptions:
// the library's own would bring in the machinery of unwinding, demangling and
// locales. What would throw there ends the program here.
#include <cstdlib>
#include <new>

// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl58-cpp,readability-identifier-naming)
namespace std {

// A position past the end of a string_view.
void __throw_out_of_range_fmt(const char* /*format*/, ...) {
  abort();
}

// With _GLIBCXX_ASSERTIONS.
void __glibcxx_assert_fail(const char* /*file*/,
                           int /*line*/,
                           const char* /*function*/,
                           const char* /*condition*/) noexcept {
  abort();
}

}  // namespace std

// NOLINTEND(bugprone-reserved-identifier,cert-dcl58-cpp,readability-identifier-naming)

void* operator new(std::size_t size) {
  void* memory = std::malloc(size);
  if (memory == nullptr) {
    std::abort();
  }
  return memory;
}

void* operator new[](std::size_t size) {
  return operator new(size);
}

void operator delete(void* memory) noexcept {
  std::free(memory);
}

void operator delete(void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}

void operator delete[](void* memory) noexcept {
  std::free(memory);
}

void operator delete[](void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}
