#include "report/plan.h"

#include <array>

#include <nlohmann/json.hpp>

#include "base/printable.h"
#include "base/text.h"
#include "report/table.h"
#include "resource/json.h"

namespace nslab::report {
namespace {

using Json = nlohmann::ordered_json;
using plan::Action;
using plan::Plan;
using plan::Step;

constexpr std::array kColours{
    Colour::none, Colour::green, Colour::yellow, Colour::yellow, Colour::red};

constexpr std::size_t kWidestId = 44;

// With names that somebody in a node may have given.
std::string title_of(const Step& step) {
  return printable(resource::title_of(step.after ? *step.after : *step.before));
}

// Of what goes along nothing but the id is at hand.
std::string title_of(const resource::Id& id) {
  if (id.kind != resource::Kind::veth) {
    return printable(to_string(id));
  }
  std::string end = printable(id.name);
  end.replace(std::min(end.find('/'), end.size() - 1), 1, ":");
  return "cable " + end;
}

std::string step_line(const Step& step, const Style& style, std::size_t id_width) {
  const auto action = static_cast<std::size_t>(step.action);
  std::string line = style.paint(kColours[action], plan::kActionSymbols[action]) + " ";
  std::string id = title_of(step);
  const std::string note = step.drift ? style.paint(Colour::cyan, "drift: ") : "";
  if (!step.reason.empty()) {
    id.append(id_width > display_width(id) ? id_width - display_width(id) : 0, ' ');
    return line + id + "  " + note + escaped(step.reason) + "\n";
  }
  return line + id + "\n";
}

Json spec_json(const std::optional<resource::Spec>& spec) {
  return spec ? Json(resource::to_json(*spec)) : Json(nullptr);
}

std::size_t id_width(const Plan& plan) {
  std::size_t width = 0;
  for (const Step& step : plan.steps()) {
    width = std::max(width, display_width(title_of(step)));
  }
  return std::min(width, kWidestId);
}

// A graph's node: quoted as the DOT language wants it.
std::string dot_name(const Step& step) {
  std::string name = "\"";
  name += plan::kActionSymbols[static_cast<std::size_t>(step.action)];
  for (const char each : " " + title_of(step)) {
    if (each == '"' || each == '\\') {
      name += '\\';
    }
    name += each;
  }
  return name + "\"";
}

// How many objects there are of each action, each with its verb.
std::string counts(const Plan& plan, const std::array<std::string_view, 5>& verbs) {
  if (plan.empty()) {
    return "nothing to do";
  }
  std::string text;
  for (const Action action : {Action::create, Action::change, Action::replace, Action::destroy}) {
    std::size_t count = plan.count(action);
    if (action == Action::destroy) {
      count += plan.implied().size();
    }
    if (count > 0) {
      text += (text.empty() ? "" : ", ") + std::to_string(count) + " " +
              std::string(verbs[static_cast<std::size_t>(action)]);
    }
  }
  if (plan.kept() > 0) {
    text += "; " + std::to_string(plan.kept()) + " as " + (plan.kept() == 1 ? "it is" : "they are");
  }
  return text;
}

std::string and_more(std::size_t count) {
  return count == 0 ? "" : " and " + std::to_string(count) + " more";
}

// "remove nodes pc1, pc2": the nodes among the objects, of which the user knows; else the
// first object. Empty where there is none.
std::string named(const std::string& verb, const std::vector<resource::Id>& ids) {
  constexpr std::size_t kMost = 3;
  std::vector<std::string> names;
  std::size_t nodes = 0;
  for (const resource::Id& id : ids) {
    if (id.kind == resource::Kind::node && nodes++ < kMost) {
      names.push_back(id.name);
    }
  }
  if (nodes > 0) {
    return verb + (nodes == 1 ? " node " : " nodes ") + join(names, ", ") +
           and_more(nodes - names.size());
  }
  return ids.empty() ? "" : verb + " " + to_string(ids.front()) + and_more(ids.size() - 1);
}

}  // namespace

std::string plan_summary(const Plan& plan) {
  return counts(plan, {"", "to create", "to change", "to replace", "to remove"});
}

std::string plan_done(const Plan& plan) {
  return counts(plan, {"", "created", "changed", "replaced", "removed"});
}

std::string plan_losses(const Plan& plan) {
  std::vector<resource::Id> removed;
  std::vector<resource::Id> restarted;
  for (const Step& step : plan.steps()) {
    if (step.action == Action::destroy) {
      removed.push_back(step.id);
    } else if (step.action == Action::replace && step.id.kind == resource::Kind::node) {
      restarted.push_back(step.id);
    }
  }
  removed.insert(removed.end(), plan.implied().begin(), plan.implied().end());
  const std::string gone = named("remove", removed);
  const std::string again = named("restart", restarted);
  return gone + (gone.empty() || again.empty() ? "" : ", and ") + again;
}

std::string plan_text(const Plan& plan, const Style& style, std::size_t most) {
  std::string text;
  const std::size_t width = id_width(plan);
  std::size_t shown = 0;
  for (const Step& step : plan.steps()) {
    if (shown++ == most) {
      break;
    }
    text += step_line(step, style, width);
  }
  for (const resource::Id& id : plan.implied()) {
    if (shown++ >= most) {
      break;
    }
    text += style.paint(Colour::red, "-") + " " + title_of(id) + "\n";
  }
  const std::size_t all = plan.steps().size() + plan.implied().size();
  if (all > most) {
    text += "  … and " + std::to_string(all - most) + " more (--full shows them)\n";
  }
  return text;
}

Json plan_json(const Plan& plan) {
  Json steps = Json::array();
  for (const Step& step : plan.steps()) {
    Json needs = Json::array();
    for (const std::size_t before : step.needs) {
      needs.push_back(to_string(plan.steps()[before].id));
    }
    steps.push_back({{"action", plan::kActionNames[static_cast<std::size_t>(step.action)]},
                     {"id", to_string(step.id)},
                     {"reason", step.reason},
                     {"drift", step.drift},
                     {"before", spec_json(step.before)},
                     {"after", spec_json(step.after)},
                     {"line", step.origin.known() ? Json(step.origin.line) : Json(nullptr)},
                     {"needs", std::move(needs)}});
  }
  Json implied = Json::array();
  for (const resource::Id& id : plan.implied()) {
    implied.push_back(to_string(id));
  }
  return {{"steps", std::move(steps)},
          {"gone-with-them", std::move(implied)},
          {"counts",
           {{"keep", plan.kept()},
            {"create", plan.count(Action::create)},
            {"change", plan.count(Action::change)},
            {"replace", plan.count(Action::replace)},
            {"destroy", plan.count(Action::destroy) + plan.implied().size()}}}};
}

std::string plan_dot(const Plan& plan) {
  std::string text = "digraph plan {\n  rankdir=LR;\n  node [shape=box];\n";
  for (const Step& step : plan.steps()) {
    text += "  " + dot_name(step) + ";\n";
    for (const std::size_t before : step.needs) {
      text += "  " + dot_name(plan.steps()[before]) + " -> " + dot_name(step) + ";\n";
    }
  }
  return text + "}\n";
}

}  // namespace nslab::report
