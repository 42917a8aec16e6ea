// Golden files: whole outputs, kept beside the inputs that they belong to.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace nslab::test {

// tests/golden/KIND
std::filesystem::path golden_directory(const std::string& kind);

// The folders of one kind, one per case, in the order of their names.
std::vector<std::filesystem::path> golden_cases(const std::string& kind);

std::string read_file(const std::filesystem::path& path);

// Fails the running test unless the file holds `actual`. With
// NSLAB_UPDATE_GOLDEN=1 writes it there instead.
void check_golden(const std::filesystem::path& path, const std::string& actual);

}  // namespace nslab::test
