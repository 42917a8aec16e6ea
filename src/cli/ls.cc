#include <unistd.h>

#include "base/text.h"
#include "cli/find.h"
#include "cli/session.h"
#include "host/observe.h"
#include "report/json_text.h"
#include "report/table.h"

namespace nslab::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr Flag kFlags[] = {kJson};

struct Row {
  std::string lab;
  std::string state;
  std::size_t nodes = 0;
  std::string file;
  std::string description;
};

Row row_of(const std::string& lab, const state::RecordStore& store) {
  Row row{.lab = lab, .state = "unknown"};
  const state::LabRecord record = store.load(lab);
  const auto& source = record.applied ? record.applied : record.intended;
  if (!source) {
    row.nodes = nodes_of(lab).size();
    return row;  // its record is lost, or not ours to read; `down` and `prune` work without
  }
  row.file = source->file;
  row.state = record.intended ? "unfinished" : "up";
  if (!host::is_lab_mounted(host::Layout(store.directory(), lab))) {
    row.state = record.intended ? "unfinished" : "gone";
    return row;  // `up` makes it anew, `prune` removes the record
  }
  if (const auto state = read_recorded(lab, *source)) {
    row.description = state->description;
    for (const auto& [id, entry] : state->resources) {
      row.nodes += id.kind == resource::Kind::node ? 1 : 0;
    }
  }
  return row;
}

int run(const Arguments& arguments, Console& console) {
  const state::RecordStore store(state::default_state_dir());
  Json json = Json::array();
  report::Table table({"LAB", "STATE", "NODES", "FILE", "DESCRIPTION"});
  const auto labs = labs_on_host();
  if (!labs) {
    console.fail(labs.error());
    return kFailed;
  }
  for (const std::string& lab : *labs) {
    const Row row = row_of(lab, store);
    table.add({row.lab, row.state, std::to_string(row.nodes), row.file, row.description});
    json.push_back({{"lab", row.lab},
                    {"state", row.state},
                    {"nodes", row.nodes},
                    {"file", row.file},
                    {"description", row.description}});
  }
  if (arguments.json) {
    console.print(report::json_text(json));
  } else if (table.empty()) {
    console.say("no lab is up");
  } else {
    console.print(table.render(console.out()));
  }
  if (::geteuid() != 0 && !labs->empty()) {
    console.say("what labs are of is root's to read: as root, with sudo for example, ls says more");
  }
  return kDone;
}

}  // namespace

const Command kLs{"ls", "List the labs on this host", {}, kFlags, false, run};

}  // namespace nslab::cli
