#include "cli/usage.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>

#include "base/text.h"
#include "cli/find.h"

namespace nslab::cli {
namespace {

// What other tools call it: containerlab, Docker and its compose, kubectl, Kathará, Mininet,
// virsh, and hands on a keyboard.
struct Synonym {
  std::string_view words;  // separated by blanks
  std::string_view hint;
};

constexpr std::array kSynonyms{
    Synonym{"start create deploy apply run lstart vstart launch boot resume converge add",
            "'nslab up FILE' brings a lab up"},
    Synonym{
        "restart reload redeploy reconfigure update",
        "'nslab up FILE' starts again what has stopped and changes what the file changed; 'nslab "
        "down LAB' before it makes the lab anew"},
    Synonym{"stop destroy rm delete del remove kill teardown lclean vclean undeploy",
            "'nslab down LAB' takes a lab away"},
    Synonym{"clean cleanup wipe lwipe gc mop",
            "'nslab down LAB' takes a lab away, 'nslab prune' what no lab owns any more"},
    Synonym{"list labs ll", "'nslab ls' lists the labs on this host"},
    Synonym{"ps inspect info show get describe linfo list-nodes nodes top stats containers",
            "'nslab status' shows a lab's nodes, services and cables, 'nslab ls' the labs"},
    Synonym{"watch", "'watch nslab status' shows the lab again and again"},
    Synonym{"attach enter console connect login ssh sh bash zsh xterm term terminal tty into go",
            "'nslab shell NODE' opens a shell in a node"},
    Synonym{"execute cmd command docker-exec",
            "'nslab exec NODE -- COMMAND' runs a command in a node"},
    Synonym{
        "cp copy scp push pull",
        "'nslab exec NODE -- cat FILE >COPY' copies out of a node, 'nslab exec NODE -- tee FILE "
        "<COPY >/dev/null' into it"},
    Synonym{"check lint verify config test syntax",
            "'nslab validate FILE' checks a lab file, 'nslab status --check' a lab that is up"},
    Synonym{"diff dry-run preview",
            "'nslab plan FILE' shows what the file has and the lab has not"},
    Synonym{"generate gen template init example scaffold",
            "'nslab new SHAPE' prints a lab file: line, star, tree, ring, mesh or leaf-spine"},
    Synonym{"log journal", "'nslab logs NODE' prints what its services printed"},
    Synonym{"probe requirements check-host", "'nslab doctor' says what this host offers"},
    Synonym{"images image",
            "nslab has none: a node runs the host's programs, or those of its 'root'"},
};

constexpr std::string_view kPrograms =
    "arp arping bird curl dig dhclient ethtool ip ifconfig iperf iperf3 iptables nc netstat nft "
    "nmap "
    "ping ping6 route ss tc tcpdump tracepath traceroute vtysh wget";

// Options of those tools.
struct Foreign {
  std::string_view commands;  // empty: of any
  std::string_view options;
  std::string_view hint;
};

constexpr std::array kForeign{
    Foreign{"up plan validate",
            "-f --file -t --topo --topology",
            "the file stands by itself: 'nslab up FILE'"},
    Foreign{"up", "-d --detach --background", "a lab is in the background anyway"},
    Foreign{"up", "--dry-run -n", "'nslab plan FILE' shows what up would do"},
    Foreign{"up",
            "--force --reconfigure --recreate --force-recreate",
            "'nslab down LAB' and then 'nslab up FILE' make it anew"},
    Foreign{"down",
            "-f --force --cleanup --volumes",
            "down takes a lab away whole; 'nslab prune' removes what no lab owns"},
    Foreign{"exec shell",
            "-u --user",
            "'nslab exec NODE -- runuser -u USER -- COMMAND' runs it as another user"},
    Foreign{"exec shell",
            "-w --workdir --cwd -C",
            "'nslab exec NODE -- env -C DIRECTORY COMMAND' runs it in another directory"},
    Foreign{"exec shell",
            "-e --env",
            "'nslab exec NODE -- env NAME=VALUE COMMAND' sets a variable for it"},
    Foreign{"shell", "-c", "'nslab exec NODE -- sh -c COMMAND' has a shell read a text"},
    Foreign{"exec", "-d --detach", "what goes on by itself is a service of the lab file"},
    Foreign{"logs", "-n --tail --lines", "'nslab logs NODE | tail -n N' prints the last lines"},
    Foreign{"ls", "-a --all", "ls lists every lab anyway"},
    Foreign{"status plan", "-a --all", "--full prints every row"},
    Foreign{"", "-w --watch", "'watch nslab status' shows it again and again"},
    Foreign{"", "-o --output --format", "--json prints JSON, where a command has it"},
};

bool has_word(std::string_view words, std::string_view word) {
  const auto all = split(words, ' ');
  return std::ranges::find(all, word) != all.end();
}

bool has_command(std::string_view name) {
  return std::ranges::find(commands(), name, &Command::name) != commands().end();
}

bool is_on_path(const std::string& program) {
  const char* path = std::getenv("PATH");
  const auto directories = split(path != nullptr ? path : "", ':');
  return !program.empty() && program.find('/') == std::string::npos &&
         std::ranges::any_of(directories, [&](std::string_view directory) {
           return ::access((std::string(directory) + "/" + program).c_str(), X_OK) == 0;
         });
}

// "nslab up [OPTIONS] FILE"
std::string usage(const Command& command) {
  std::string text = "nslab " + std::string(command.name);
  if (!command.flags.empty() || !command.options.empty()) {
    text += " [OPTIONS]";
  }
  for (const Positional& each : command.positionals) {
    text += each.required ? " " + std::string(each.name) : " [" + std::string(each.name) + "]";
  }
  return text + (command.takes_words ? " -- COMMAND [ARG...]" : "");
}

std::string help_of(const Command& command) {
  return "'nslab " + std::string(command.name) + " --help' shows how it is used";
}

// "h1 ping h2" is how Mininet has it, and a file alone how compose has it.
std::string hint_for_name(const std::string& word, const std::vector<std::string>& typed) {
  std::error_code absent;
  if ((word.ends_with(".yaml") || word.ends_with(".yml")) &&
      std::filesystem::exists(word, absent)) {
    return "it is a file: 'nslab up " + word + "'";
  }
  const auto labs = labs_on_host();
  if (labs && std::ranges::find(*labs, word) != labs->end()) {
    return "it is a lab: 'nslab status " + word + "'";
  }
  if (const auto node = find_node(word)) {
    const auto after = std::ranges::find(typed, word);
    const std::vector<std::string> rest(after + 1, typed.end());
    return "it is a node: " + (rest.empty()
                                   ? "'nslab shell " + word + "'"
                                   : "'nslab exec " + word + " -- " + join(rest, " ") + "'");
  }
  return {};
}

const Synonym* synonym_of(std::string_view word) {
  const auto* found = std::ranges::find_if(
      kSynonyms, [&](const Synonym& each) { return has_word(each.words, word); });
  return found == kSynonyms.end() ? nullptr : found;
}

// A misspelt command, or a misspelt word of another tool.
std::string hint_for_misspelt(const std::string& word) {
  std::vector<std::string_view> names{"help"};
  for (const Command* command : commands()) {
    names.push_back(command->name);
  }
  if (const std::string_view near = nearest(word, names); !near.empty()) {
    return "did you mean " + quote(near) + "?";
  }
  names.clear();
  for (const Synonym& synonym : kSynonyms) {
    const auto each = split(synonym.words, ' ');
    names.insert(names.end(), each.begin(), each.end());
  }
  const std::string_view near = nearest(word, names);
  return near.empty() ? "" : std::string(synonym_of(near)->hint);
}

std::string hint_for_command(const std::string& word, const std::vector<std::string>& typed) {
  if (const Synonym* synonym = synonym_of(word)) {
    return std::string(synonym->hint);
  }
  if (std::string named = hint_for_name(word, typed); !named.empty()) {
    return named;
  }
  if (has_word(kPrograms, word)) {
    return "'nslab exec NODE -- " + word + " ...' runs it in a node";
  }
  if (std::string near = hint_for_misspelt(word); !near.empty()) {
    return near;
  }
  return is_on_path(word) ? "'nslab exec NODE -- " + word + " ...' runs it in a node"
                          : "'nslab --help' lists the commands";
}

// The names of all options, "-f" and "--follow" by themselves.
std::vector<std::string_view> option_names(const Command* command) {
  std::vector<std::string_view> names;
  const auto add = [&](std::string_view of_one) {
    const auto each = split(of_one, ',');
    names.insert(names.end(), each.begin(), each.end());
  };
  if (command != nullptr) {
    std::ranges::for_each(command->flags, add, &Flag::names);
    std::ranges::for_each(command->options, add, &Option::name);
  }
  std::ranges::for_each(kCommonFlags, add, &CommonFlag::names);
  return names;
}

std::string own_options(const Command& command) {
  std::vector<std::string> names;
  for (const Flag& flag : command.flags) {
    names.emplace_back(split(flag.names, ',').back());
  }
  for (const Option& option : command.options) {
    names.emplace_back(option.name);
  }
  return join(names, ", ");
}

std::string hint_for_option(const Command& command, const std::string& option) {
  const auto known = option_names(&command);
  if (std::ranges::find(known, option) != known.end()) {
    return "options of a command stand after it: nslab " + std::string(command.name) + " " + option;
  }
  const auto* foreign = std::ranges::find_if(kForeign, [&](const Foreign& each) {
    return (each.commands.empty() || has_word(each.commands, command.name)) &&
           (has_word(each.options, option) ||
            (option.size() > 2 && option[1] != '-' && has_word(each.options, option.substr(0, 2))));
  });
  if (foreign != kForeign.end()) {
    return std::string(foreign->hint);
  }
  const std::string_view near = option.starts_with("--") ? nearest(option, known) : "";
  if (!near.empty()) {
    return "did you mean " + quote(near) + "?";
  }
  const std::string own = own_options(command);
  return own.empty() ? "it has none; " + help_of(command)
                     : "it has " + own + "; " + help_of(command);
}

Error bad_option(const Command& command, std::string option) {
  option = option.substr(0, option.find('='));
  const auto known = option_names(&command);
  const bool is_known = std::ranges::find(known, option) != known.end();
  return {.kind = ErrorKind::usage,
          .message = is_known ? quote(option) + " stands before the command"
                              : quote(command.name) + " has no option " + quote(option),
          .hint = hint_for_option(command, option)};
}

Error one_too_many(const Command& command, const std::string& word) {
  std::string hint = "nslab takes it so: " + usage(command);
  if (command.name == "shell") {
    hint = "'nslab exec NODE -- " + word + "' runs a command";
  } else if (!command.positionals.empty() && command.positionals.front().name == "FILE") {
    hint = "one file at a time: 'nslab " + std::string(command.name) + " " + word + "' by itself";
  }
  return {.kind = ErrorKind::usage,
          .message = quote(word) + " is one word too many for " + quote(command.name),
          .hint = std::move(hint)};
}

// The one lab file of the current directory.
std::string only_file() {
  std::error_code failed;
  std::string only;
  for (const auto& entry : std::filesystem::directory_iterator(".", failed)) {
    const std::string name = entry.path().filename();
    if (name.ends_with(".yaml") || name.ends_with(".yml")) {
      if (!only.empty()) {
        return {};
      }
      only = name;
    }
  }
  return only;
}

// "FILE is required", and so on.
Error something_is_missing(const BadLine& line) {
  const Command& command = *line.command;
  std::string hint = usage(command);
  if (line.complaint.starts_with("COMMAND") && !line.typed.empty()) {
    const std::string& node = line.typed.back();
    hint = "nslab exec " + node + " -- COMMAND [ARG...]; 'nslab shell " + node + "' opens a shell";
  } else if (line.complaint.starts_with("FILE")) {
    const std::string file = only_file();
    hint += file.empty() ? "" : ", such as 'nslab " + std::string(command.name) + " " + file + "'";
  }
  return {
      .kind = ErrorKind::usage, .message = line.complaint, .hint = hint + "; " + help_of(command)};
}

// "Could not convert: --nodes = x" and "--nodes: 1 required UINT missing"
std::optional<Error> bad_value(const BadLine& line) {
  constexpr std::string_view kConvert = "Could not convert: ";
  if (line.complaint.starts_with(kConvert)) {
    const std::string rest = line.complaint.substr(kConvert.size());
    const std::string option = rest.substr(0, rest.find(' '));
    const std::string value = rest.substr(std::min(rest.size(), rest.rfind("= ") + 2));
    const bool typed = std::ranges::any_of(
        line.typed, [&](const std::string& word) { return word.starts_with(option); });
    const bool number = std::ranges::find(line.command->options, option, &Option::name) !=
                        line.command->options.end();
    const std::string variable = variable_of(option);
    return Error{
        .kind = ErrorKind::usage,
        .message = typed ? option + " takes " + (number ? "a number" : "no value") + ", not " +
                               quote(value)
                         : variable + " is " + quote(value) + ", which says neither yes nor no",
        .hint = typed ? help_of(*line.command) : "1 or 0, or nothing: unset " + variable};
  }
  if (line.complaint.ends_with(" missing")) {
    const std::string option = line.complaint.substr(0, line.complaint.find(':'));
    return Error{.kind = ErrorKind::usage,
                 .message = option + " takes a value",
                 .hint = help_of(*line.command)};
  }
  return std::nullopt;
}

Error no_command(const BadLine& line) {
  const auto word = std::ranges::find_if(
      line.typed, [](const std::string& each) { return !each.starts_with('-'); });
  if (word != line.typed.end() && !has_command(*word)) {
    return {.kind = ErrorKind::usage,
            .message = "there is no command " + quote(*word),
            .hint = hint_for_command(*word, line.typed)};
  }
  const auto known = option_names(nullptr);
  const auto option = std::ranges::find_if(line.typed, [&](const std::string& each) {
    return std::ranges::find(known, each) == known.end();
  });
  if (option != line.typed.end()) {
    return {.kind = ErrorKind::usage,
            .message = "there is no option " + quote(*option),
            .hint =
                "'nslab --help' lists the commands, 'nslab COMMAND --help' their options, which "
                "stand after it"};
  }
  return {.kind = ErrorKind::usage,
          .message = "a command is missing",
          .hint =
              "'nslab up FILE' brings a lab up, 'nslab status' shows it, 'nslab shell NODE' goes "
              "into it, 'nslab down' takes it away; 'nslab --help' lists all"};
}

}  // namespace

std::string variable_of(std::string_view flag) {
  std::string name = "NSLAB_";
  for (const char each : flag.substr(flag.rfind("--") + 2)) {
    name += each == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(each)));
  }
  return name;
}

Error explain(const BadLine& line) {
  if (line.command == nullptr) {
    return no_command(line);
  }
  if (const auto value = bad_value(line)) {
    return *value;
  }
  if (!line.unexpected.empty()) {
    const std::string& word = line.unexpected.front();
    return word.starts_with('-') ? bad_option(*line.command, word)
                                 : one_too_many(*line.command, word);
  }
  return something_is_missing(line);
}

}  // namespace nslab::cli
