"""Every lane, by its name."""

import lanes

LANES = {lane.name: lane for lane in (lanes.Kill(), lanes.Fault(), lanes.Rollback())}
