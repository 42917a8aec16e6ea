// What is fuzzed: each takes any bytes, and ends the program on what must not be.
// tools/fuzz runs them on what libFuzzer makes up, the unit tests on what it found.
#pragma once

#include <string_view>

namespace nslab::fuzz {

// A lab file, from its text to the objects that it asks for or its errors.
void lab_file(std::string_view bytes);

// A lab's record: as the bytes of the file, and as its body behind a right sum.
void record(std::string_view bytes);

// A packet of the conversation with a node's init.
void packet(std::string_view bytes);

// Like assert(3), in every build.
void require(bool condition, const char* what);

}  // namespace nslab::fuzz
