// Users of the node, by its own /etc/passwd and /etc/group.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <string_view>

#include "init/failure.h"
#include "init/text.h"

namespace nslab::init {

struct User {
  uid_t uid = 0;
  gid_t gid = 0;
  std::array<gid_t, 64> groups{};
  std::size_t group_count = 0;
  Text<64> name;  // empty for a number that /etc/passwd does not have
  Text<256> home;
  Text<128> shell;
};

// NAME or NUMBER, and perhaps :GROUP. A number that /etc/passwd does not have is of the group
// of that number, and at home in /. The failure reads on from "cannot be started: ".
Failure find_user(std::string_view text, User& user);

}  // namespace nslab::init
