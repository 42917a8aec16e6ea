"""Every lane, by its name."""

import lanes
import lanes_back
import lanes_host
import lanes_state

LANES = {lane.name: lane for lane in (
    lanes.Kill(), lanes.Fault(), lanes.Rollback(), lanes_back.Back(), lanes_host.Race(), lanes_host.Alike(),
    lanes_host.Mend(), lanes_state.Record(), lanes_state.Soak())}
