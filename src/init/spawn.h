// The spawner: makes the inits of nodes out of itself. A process this small forks
// fast, and what it forks needs no exec.
#pragma once

namespace nslab::init {

// Answers requests on kSpawnerSocket until it is closed; the exit status.
int spawn();

}  // namespace nslab::init
