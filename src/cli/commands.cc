#include <array>

#include "cli/command.h"

namespace nslab::cli {

std::span<const Command* const> commands() {
  static constexpr std::array kCommands{&kUp,
                                        &kDown,
                                        &kPlan,
                                        &kValidate,
                                        &kLs,
                                        &kStatus,
                                        &kExec,
                                        &kShell,
                                        &kLogs,
                                        &kPrune,
                                        &kDoctor,
                                        &kNew,
                                        &kSchema,
                                        &kVersion,
                                        &kCompletion};
  return kCommands;
}

}  // namespace nslab::cli
