#include "report/plan.h"

#include <array>

#include <nlohmann/json.hpp>

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

std::string step_line(const Step& step, const Style& style, std::size_t id_width) {
  const auto action = static_cast<std::size_t>(step.action);
  std::string line = style.paint(kColours[action], plan::kActionSymbols[action]) + " ";
  std::string id = to_string(step.id);
  const std::string note = step.drift ? style.paint(Colour::cyan, "drift: ") : "";
  if (!step.reason.empty()) {
    id.append(id_width > display_width(id) ? id_width - display_width(id) : 0, ' ');
    return line + id + "  " + note + step.reason + "\n";
  }
  return line + id + "\n";
}

Json spec_json(const std::optional<resource::Spec>& spec) {
  return spec ? Json(resource::to_json(*spec)) : Json(nullptr);
}

std::size_t id_width(const Plan& plan) {
  std::size_t width = 0;
  for (const Step& step : plan.steps()) {
    width = std::max(width, display_width(to_string(step.id)));
  }
  return std::min(width, kWidestId);
}

// A graph's node: quoted as the DOT language wants it.
std::string dot_name(const Step& step) {
  std::string name = "\"";
  name += plan::kActionSymbols[static_cast<std::size_t>(step.action)];
  for (const char each : " " + to_string(step.id)) {
    if (each == '"' || each == '\\') {
      name += '\\';
    }
    name += each;
  }
  return name + "\"";
}

}  // namespace

std::string plan_summary(const Plan& plan) {
  if (plan.empty()) {
    return "nothing to do";
  }
  constexpr std::array<std::string_view, 5> kVerbs{
      "", "to create", "to change", "to replace", "to remove"};
  std::string text;
  for (const Action action : {Action::create, Action::change, Action::replace, Action::destroy}) {
    std::size_t count = plan.count(action);
    if (action == Action::destroy) {
      count += plan.implied().size();
    }
    if (count > 0) {
      text += (text.empty() ? "" : ", ") + std::to_string(count) + " " +
              std::string(kVerbs[static_cast<std::size_t>(action)]);
    }
  }
  if (plan.kept() > 0) {
    text += "; " + std::to_string(plan.kept()) + " as " + (plan.kept() == 1 ? "it is" : "they are");
  }
  return text;
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
    text += style.paint(Colour::red, "-") + " " + to_string(id) + "\n";
  }
  const std::size_t all = plan.steps().size() + plan.implied().size();
  if (all > most) {
    text += "  … and " + std::to_string(all - most) + " more (--all shows them)\n";
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
