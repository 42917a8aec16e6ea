#include "resource/json.h"

#include "resource/json_convert.h"

namespace nslab::resource {
namespace {

template <std::size_t Index = 0>
Spec read_kind(std::string_view kind, const Parsed& json) {
  if constexpr (Index == std::variant_size_v<Spec>) {
    throw Malformed{"unknown kind " + quote(kind)};
  } else if (kind == kKindNames[Index]) {
    return Convert<std::variant_alternative_t<Index, Spec>>::read(json);
  } else {
    return read_kind<Index + 1>(kind, json);
  }
}

Error malformed(std::string_view what) {
  return Error{.kind = ErrorKind::internal,
               .message = "not a resource of this version: " + std::string(what)};
}

}  // namespace

nlohmann::ordered_json to_json(const Spec& spec) {
  Json json = {{"kind", kKindNames[spec.index()]}};
  std::visit(
      [&](const auto& each) {
        json.update(Convert<std::remove_cvref_t<decltype(each)>>::write(each));
      },
      spec);
  return json;
}

Result<Spec> from_json(const nlohmann::json& json) {
  try {
    return read_kind(json.at("kind").get<std::string>(), json);
  } catch (const Parsed::exception& error) {
    return malformed(error.what());
  } catch (const Malformed& error) {
    return malformed(error.what);
  }
}

std::string to_json_text(const Spec& spec) {
  // File contents need not be UTF-8; what is not is replaced, and shows as drift.
  return to_json(spec).dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Spec> from_json_text(std::string_view text) {
  const Parsed json = Parsed::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) {
    return malformed("not JSON");
  }
  return from_json(json);
}

}  // namespace nslab::resource
