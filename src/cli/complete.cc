#include "cli/complete.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>

#include "base/printable.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/find.h"
#include "cli/log_printer.h"
#include "host/layout.h"
#include "state/record.h"
#include "topology/new/new_lab.h"

namespace nslab::cli {
namespace {

using Words = std::vector<std::string>;

const Command* command_named(std::string_view name) {
  const auto found = std::ranges::find(commands(), name, &Command::name);
  return found == commands().end() ? nullptr : *found;
}

void offer(std::string& text, std::string_view word, std::string_view about) {
  text += std::string(word) + "\t" + std::string(about) + "\n";
}

// "-f,--follow": the long name, and the short one where that is being typed.
void offer_names(std::string& text,
                 std::string_view names,
                 std::string_view about,
                 std::string_view current) {
  for (const std::string_view name : split(names, ',')) {
    if (name.starts_with("--") || !current.starts_with("--")) {
      offer(text, name, about);
    }
  }
}

// What was typed of a command line before the word that is being typed.
struct Typed {
  const Command* command = nullptr;
  bool no_command = false;  // what stands where one does is none of ours
  Words positionals{};
  std::optional<std::size_t> inner{};  // how many words stand before a node's own command line
  bool wants_value = false;            // the last word is an option with a value
};

bool takes_value(const Command& command, std::string_view word) {
  return std::ranges::find(command.options, word, &Option::name) != command.options.end();
}

Typed read_words(const Words& before) {
  Typed typed;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const std::string& word = before[i];
    if (typed.command == nullptr) {
      typed.command = word.starts_with('-') ? nullptr : command_named(word);
      typed.no_command = typed.command == nullptr && !word.starts_with('-');
      if (typed.no_command) {
        return typed;
      }
    } else if (typed.wants_value) {
      typed.wants_value = word == "=";  // a word of its own in bash
    } else if (word == "--") {
      if (typed.command->takes_words) {
        typed.inner = i + 1;
        return typed;
      }
    } else if (word.starts_with('-') && word != "-") {
      typed.wants_value = takes_value(*typed.command, word);
    } else if (typed.command->takes_words &&
               typed.positionals.size() == typed.command->positionals.size()) {
      typed.inner = i;
      return typed;
    } else {
      typed.positionals.push_back(word);
    }
  }
  return typed;
}

void offer_commands(std::string& text) {
  for (const Command* command : commands()) {
    offer(text, command->name, command->summary);
  }
}

void offer_flags(std::string& text, const Command* command, std::string_view current) {
  if (command != nullptr) {
    for (const Flag& flag : command->flags) {
      offer_names(text, flag.names, flag.help, current);
    }
    for (const Option& option : command->options) {
      offer(text, option.name, option.help);
    }
  }
  for (const CommonFlag& flag : kCommonFlags) {
    offer_names(text, flag.names, flag.help, current);
  }
  if (command == nullptr) {
    offer_names(text, "-V,--version", "Print the version", current);
  }
}

Words labs_here() {
  auto labs = labs_on_host();
  return labs ? *std::move(labs) : Words();
}

void offer_labs(std::string& text) {
  const state::RecordStore store(state::default_state_dir());
  for (const std::string& lab : labs_here()) {
    const std::string file = store.load(lab).file();
    offer(text, lab, file.empty() ? "lab" : "lab of " + escaped(file));
  }
}

// Each by the name that is enough: LAB/NODE where several labs have one of its name, or
// where a lab's name has been typed.
void offer_nodes(std::string& text, std::string_view current) {
  std::map<std::string, Words> labs_of;
  for (const std::string& lab : labs_here()) {
    for (const std::string& node : nodes_of(lab)) {
      labs_of[node].push_back(lab);
    }
  }
  const bool full = current.find('/') != std::string_view::npos;
  for (const auto& [node, labs] : labs_of) {
    for (const std::string& lab : labs) {
      offer(text, full || labs.size() > 1 ? lab + "/" + node : node, "node of lab " + lab);
    }
  }
}

void offer_nodes_of(std::string& text, std::string_view current) {
  const std::string lab(current.substr(0, current.find('/')));
  for (const std::string& node : nodes_of(lab)) {
    offer(text, lab + "/" + node, "node of lab " + lab);
  }
}

void offer_logs(std::string& text, const std::string& node) {
  const auto name = find_node(node);
  if (!name) {
    return;
  }
  const host::Layout layout(state::default_state_dir(), name->lab);
  for (const Log& log : logs_of(layout.log_dir(name->node), "")) {
    offer(text, log.service, "log of node " + name->node);
  }
}

bool has(std::string_view name, std::string_view what) {
  return name.find(what) != std::string_view::npos;
}

// The row's name says what can stand there.
void offer_positional(std::string& text,
                      const Positional& positional,
                      const Typed& typed,
                      std::string_view current) {
  if (positional.name == "[LAB/]NODE") {
    offer_nodes(text, current);
  } else if (positional.name == "SERVICE") {
    offer_logs(text, typed.positionals.front());
  } else if (positional.name == "SHAPE") {
    for (const std::string_view shape : topology::kLabShapes) {
      offer(text, shape, "shape of a lab");
    }
  } else if (positional.name == "SHELL") {
    for (const std::string_view shell : {"bash", "zsh", "fish"}) {
      offer(text, shell, "shell");
    }
  }
  if (has(positional.name, "LAB|")) {
    offer_labs(text);
    if (has(positional.name, "/NODE") && has(current, "/")) {
      offer_nodes_of(text, current);
    }
  }
  if (has(positional.name, "FILE")) {
    text += ":yaml\n";
  }
}

}  // namespace

std::string complete(const std::vector<std::string>& words) {
  const std::string current = words.empty() ? "" : words.back();
  const Typed typed = read_words({words.begin(), words.end() - (words.empty() ? 0 : 1)});
  std::string text;
  if (typed.inner) {
    return ":command\t" + std::to_string(*typed.inner) + "\n";
  }
  if (typed.wants_value || typed.no_command) {
    return text;
  }
  if (current.starts_with('-')) {
    offer_flags(text, typed.command, current);
  } else if (typed.command == nullptr) {
    offer_commands(text);
  } else if (typed.positionals.size() < typed.command->positionals.size()) {
    offer_positional(text, typed.command->positionals[typed.positionals.size()], typed, current);
  } else if (typed.command->takes_words) {
    return ":command\t" + std::to_string(words.size() - 1) + "\n";
  } else {
    offer_flags(text, typed.command, current);
  }
  return text;
}

}  // namespace nslab::cli
