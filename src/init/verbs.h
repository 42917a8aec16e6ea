// What a node's init does when it is asked: one function per verb of protocol.h.
#pragma once

#include "init/supervise.h"

namespace nslab::init {

// Tries to answer the client's request. False when that has to wait for something.
bool answer(Node& node, Client& client);

}  // namespace nslab::init
