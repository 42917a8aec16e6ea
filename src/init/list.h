// A list of things that stay where they are until they are removed. Each has a
// member std::unique_ptr<T> next. The standard containers are not for this
// program: their errors are exceptions, which would triple its size.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

namespace nslab::init {

template <typename T>
class List {
 public:
  class Iterator {
   public:
    explicit Iterator(T* item) : item_(item) {}

    T& operator*() const { return *item_; }

    Iterator& operator++() {
      item_ = item_->next.get();
      return *this;
    }

    bool operator==(const Iterator& other) const = default;

   private:
    T* item_;
  };

  [[nodiscard]] Iterator begin() const { return Iterator(first_.get()); }

  [[nodiscard]] Iterator end() const { return Iterator(nullptr); }

  [[nodiscard]] bool empty() const { return first_ == nullptr; }

  [[nodiscard]] std::size_t size() const {
    std::size_t size = 0;
    for (T* item = first_.get(); item != nullptr; item = item->next.get()) {
      ++size;
    }
    return size;
  }

  T& add(T item) { return add(std::make_unique<T>(std::move(item))); }

  // At the end.
  T& add(std::unique_ptr<T> item) {
    std::unique_ptr<T>* place = &first_;
    while (*place != nullptr) {
      place = &(*place)->next;
    }
    *place = std::move(item);
    return **place;
  }

  template <typename Predicate>
  void remove_if(Predicate predicate) {
    for (std::unique_ptr<T>* place = &first_; *place != nullptr;) {
      if (predicate(**place)) {
        *place = std::move((*place)->next);
      } else {
        place = &(*place)->next;
      }
    }
  }

  template <typename Predicate>
  [[nodiscard]] T* find_if(Predicate predicate) const {
    for (T& item : *this) {
      if (predicate(item)) {
        return &item;
      }
    }
    return nullptr;
  }

 private:
  std::unique_ptr<T> first_;
};

}  // namespace nslab::init
