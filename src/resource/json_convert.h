// The conversion of one field's value to and from JSON, one per type. Private to
// this module: others use json.h.
#pragma once

#include <algorithm>
#include <concepts>
#include <span>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "resource/spec.h"

namespace nslab::resource {

// What is written keeps the order of the rows. What is read is looked up by name:
// an ordered object copies its members whenever it grows.
using Json = nlohmann::ordered_json;
using Parsed = nlohmann::json;

// Thrown here and caught in json.cc only, where nlohmann's own exceptions are.
struct Malformed {
  std::string what;
};

inline std::span<const std::string_view> names_of(RouteType /*type*/) {
  return kRouteTypeNames;
}

inline std::span<const std::string_view> names_of(MountType /*type*/) {
  return kMountTypeNames;
}

inline std::span<const std::string_view> names_of(ReadyType /*type*/) {
  return kReadyTypeNames;
}

inline std::span<const std::string_view> names_of(Restart /*type*/) {
  return kRestartNames;
}

template <typename T>
concept NamedEnum = std::is_enum_v<T> && requires(T value) {
  names_of(value);
};

// One conversion per type of field, both ways.
template <typename T>
struct Convert {
  static Json write(const T& value) { return value; }

  static T read(const Parsed& json) { return json.get<T>(); }
};

// nlohmann converts what does not fit, true and 1.5 too.
template <std::integral T>

requires(!std::same_as<T, bool>)

    struct Convert<T> {
  static Json write(T value) { return value; }

  static T read(const Parsed& json) {
    const bool fits = json.is_number_unsigned()
                          ? std::in_range<T>(json.get<std::uint64_t>())
                          : json.is_number_integer() && std::in_range<T>(json.get<std::int64_t>());
    if (!fits) {
      throw Malformed{"no number of this range: " + json.dump()};
    }
    return json.get<T>();
  }
};

template <NamedEnum T>
struct Convert<T> {
  static Json write(T value) { return names_of(value)[static_cast<std::size_t>(value)]; }

  static T read(const Parsed& json) {
    const auto names = names_of(T{});
    const auto name = std::ranges::find(names, json.get<std::string>());
    if (name == names.end()) {
      throw Malformed{"unknown value " + quote(json.get<std::string>())};
    }
    return static_cast<T>(name - names.begin());
  }
};

template <typename T>
struct Convert<std::optional<T>> {
  static Json write(const std::optional<T>& value) {
    return value ? Convert<T>::write(*value) : Json(nullptr);
  }

  static std::optional<T> read(const Parsed& json) {
    if (json.is_null()) {
      return std::nullopt;
    }
    return Convert<T>::read(json);
  }
};

// Durations as their count; the field's type says the unit.
template <typename Rep, typename Period>
struct Convert<std::chrono::duration<Rep, Period>> {
  static Json write(std::chrono::duration<Rep, Period> value) { return value.count(); }

  static std::chrono::duration<Rep, Period> read(const Parsed& json) {
    return std::chrono::duration<Rep, Period>(Convert<Rep>::read(json));
  }
};

template <typename T>

requires requires(std::string_view text) {
  T::parse(text);
}

struct Convert<T> {
  static Json write(const T& value) { return to_string(value); }

  static T read(const Parsed& json) {
    const auto value = T::parse(json.get<std::string>());
    if (!value) {
      throw Malformed{"bad address " + quote(json.get<std::string>())};
    }
    return *value;
  }
};

template <>
struct Convert<NsChoice> {
  static Json write(const NsChoice& value) {
    switch (value.mode) {
      case NsChoice::Mode::own:
        return "private";
      case NsChoice::Mode::host:
        return "host";
      case NsChoice::Mode::node:
        break;
    }
    return "node:" + value.of;
  }

  static NsChoice read(const Parsed& json) {
    const auto text = json.get<std::string>();
    if (text == "private") {
      return {};
    }
    if (text == "host") {
      return kHostNs;
    }
    if (!text.starts_with("node:")) {
      throw Malformed{"bad namespace " + quote(text)};
    }
    return {.mode = NsChoice::Mode::node, .of = text.substr(5)};
  }
};

template <typename T, std::size_t N>
struct Convert<std::array<T, N>> {
  static Json write(const std::array<T, N>& values) {
    Json list = Json::array();
    for (const T& value : values) {
      list.push_back(Convert<T>::write(value));
    }
    return list;
  }

  static std::array<T, N> read(const Parsed& json) {
    if (!json.is_array() || json.size() != N) {
      throw Malformed{"a list of another length"};
    }
    std::array<T, N> values{};
    for (std::size_t i = 0; i < N; ++i) {
      values[i] = Convert<T>::read(json[i]);
    }
    return values;
  }
};

template <HasFields T>
struct Convert<T> {
  static Json write(const T& value) {
    Json json = Json::object();
    for_each_field<T>([&](const auto& row) {
      using Value = std::remove_cvref_t<decltype(value.*row.member)>;
      json[std::string(row.name)] = Convert<Value>::write(value.*row.member);
    });
    return json;
  }

  static T read(const Parsed& json) {
    T value;
    std::size_t count = 0;
    for_each_field<T>([&](const auto& row) {
      using Value = std::remove_cvref_t<decltype(value.*row.member)>;
      value.*row.member = Convert<Value>::read(json.at(std::string(row.name)));
      ++count;
    });
    if (json.size() != count + (json.contains("kind") ? 1 : 0)) {
      throw Malformed{"a field that this version does not know"};
    }
    return value;
  }
};

template <typename T>
Json field_to_json(const T& value) {
  return Convert<T>::write(value);
}

}  // namespace nslab::resource
