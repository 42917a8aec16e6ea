#include <string>

#include "fuzz/targets.h"
#include "init/protocol.h"

namespace nslab::fuzz {

void packet(std::string_view bytes) {
  // A copy of just this size: what reads past its end is seen.
  const std::string copy(bytes);
  const init::Reader reader(copy);
  if (reader.verb().empty()) {
    require(reader.begin() == reader.end(), "what is malformed has no fields");
    return;
  }
  init::Writer writer(reader.verb());
  std::size_t fields = 0;
  for (const init::Field field : reader) {
    require(!field.key.empty(), "a field has a key");
    require(reader.has(field.key), "a field is found by its key");
    require(field.value.data()[field.value.size()] == '\0', "a value is a C string");
    (void)reader.number(field.key);
    writer.add(field.key, field.value);
    ++fields;
  }
  if (writer.valid()) {
    require(writer.bytes() == bytes, "a packet is the same after it was read and written");
  }
  require(fields <= bytes.size() / 2, "a field takes two bytes");
}

}  // namespace nslab::fuzz
