#include "topology/document.h"

#include <algorithm>
#include <istream>
#include <span>
#include <streambuf>
#include <utility>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "base/text.h"
#include "topology/problems.h"
#include "topology/text_check.h"

namespace nslab::topology {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// Keeps the first of several entries with one key, and reports the others.
void refuse_duplicates(std::vector<Entry>& entries, Problems& problems) {
  std::vector<std::size_t> order(entries.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  std::ranges::stable_sort(
      order, {}, [&](std::size_t i) -> const std::string& { return entries[i].key; });
  std::vector<bool> duplicate(entries.size());
  const Entry* first = nullptr;
  for (const std::size_t i : order) {
    if (first == nullptr || first->key != entries[i].key) {
      first = &entries[i];
      continue;
    }
    duplicate[i] = true;
    problems.syntax(entries[i].mark,
                    "key " + quote(entries[i].key) + " appears twice",
                    "the first one is on line " + std::to_string(first->mark.line));
  }
  std::size_t index = 0;
  std::erase_if(entries, [&](const Entry&) { return duplicate[index++]; });
}

// Stops the parser; caught with its own exceptions.
struct Refused : YAML::ParserException {
  using YAML::ParserException::ParserException;
};

// Builds the tree from the parser's events. Faults that leave the structure
// readable are noted and passed over, so that one run finds them all.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(const LineIndex& lines, Problems& problems) : lines_(lines), problems_(problems) {}

  Value take_root() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}

  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    add({.mark = place(mark)});
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    problems_.syntax(
        place(mark), "a lab file has no aliases", "use 'defaults' or 'groups' to share keys");
    add({.mark = place(mark)});
  }

  void OnScalar(const YAML::Mark& mark,
                const std::string& tag,
                YAML::anchor_t anchor,
                const std::string& text) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (text.find('\0') != std::string::npos) {
      problems_.syntax(place(mark), "this text contains a NUL character");
    }
    add({.kind = Value::Kind::scalar, .quoted = tag == "!", .mark = place(mark), .text = text});
  }

  void OnSequenceStart(const YAML::Mark& mark,
                       const std::string& tag,
                       YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(Value::Kind::sequence, mark, tag, anchor);
  }

  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark,
                  const std::string& tag,
                  YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(Value::Kind::mapping, mark, tag, anchor);
  }

  void OnMapEnd() override {
    refuse_duplicates(open_.back().value.entries, problems_);
    close();
  }

 private:
  struct Open {
    Value value;
    std::optional<Entry> entry{};  // of a mapping: the key that waits for its value
  };

  [[nodiscard]] Mark place(const YAML::Mark& mark) const {
    return lines_.at(static_cast<std::size_t>(mark.line), static_cast<std::size_t>(mark.column));
  }

  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) {
      problems_.syntax(
          place(mark), "a lab file has no anchors", "use 'defaults' or 'groups' to share keys");
    }
  }

  // The parser tags plain values "?" and quoted ones "!".
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!") {
      problems_.syntax(place(mark), "a lab file has no tags", "write the value alone");
    }
  }

  void open(Value::Kind kind,
            const YAML::Mark& mark,
            const std::string& tag,
            YAML::anchor_t anchor) {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (open_.size() >= kMaxNesting) {
      throw Refused(mark, "values are nested more than " + std::to_string(kMaxNesting) + " deep");
    }
    open_.push_back({.value = {.kind = kind, .mark = place(mark)}});
  }

  void close() {
    Value value = std::move(open_.back().value);
    open_.pop_back();
    add(std::move(value));
  }

  void add(Value value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return;
    }
    Open& parent = open_.back();
    if (parent.value.is(Value::Kind::sequence)) {
      parent.value.items.push_back(std::move(value));
    } else if (!parent.entry) {
      parent.entry = key(std::move(value));
    } else {
      add_entry(parent, std::move(value));
    }
  }

  Entry key(Value value) {
    if (!value.is(Value::Kind::scalar) || value.text.empty()) {
      problems_.syntax(value.mark, "a key has to be text");
    } else if (value.text == "<<" && !value.quoted) {
      problems_.syntax(
          value.mark, "a lab file has no merge keys", "use 'defaults' or 'groups' to share keys");
    } else {
      return {std::move(value.text), value.mark, {}};
    }
    return {"", value.mark, {}};
  }

  // An empty value is reported by the parser where the next token stands. An
  // entry without a key has been refused; it is dropped with its value.
  static void add_entry(Open& parent, Value value) {
    Entry entry = *std::exchange(parent.entry, std::nullopt);
    entry.value = std::move(value);
    if (entry.value.is(Value::Kind::null)) {
      entry.value.mark = entry.mark;
    }
    if (!entry.key.empty()) {
      parent.value.entries.push_back(std::move(entry));
    }
  }

  const LineIndex& lines_;
  Problems& problems_;
  Value root_;
  std::vector<Open> open_;
};

// Any event after the first document means a second one.
class NoSecondDocument : public TreeBuilder {
 public:
  using TreeBuilder::TreeBuilder;

  void OnDocumentStart(const YAML::Mark& mark) override {
    throw Refused(mark, "a lab file holds one document; here begins a second");
  }
};

// Reads from memory that outlives it, without a copy.
class MemoryBuffer : public std::streambuf {
 public:
  explicit MemoryBuffer(std::string_view text) {
    char* const begin = const_cast<char*>(text.data());  // a get area is never written to
    setg(begin, begin, begin + text.size());
  }
};

std::string hint_for(std::string_view message) {
  static const std::pair<std::string_view, std::string_view> kHints[] = {
      {YAML::ErrorMsg::MAP_VALUE, "a text that contains ': ' needs quotes"},
      {YAML::ErrorMsg::END_OF_MAP,
       "check the indentation: keys of one mapping start in one column"},
      {YAML::ErrorMsg::END_OF_SEQ, "check the indentation: items of one list start in one column"},
      {YAML::ErrorMsg::END_OF_MAP_FLOW, "a '{' is not closed by '}'"},
      {YAML::ErrorMsg::END_OF_SEQ_FLOW, "a '[' is not closed by ']'"},
      {YAML::ErrorMsg::FLOW_END, "there is no bracket open that this one closes"},
      {YAML::ErrorMsg::UNKNOWN_TOKEN, "a text that begins with this character needs quotes"},
      {YAML::ErrorMsg::UNKNOWN_ANCHOR, "a lab file has no aliases; a text with a '*' needs quotes"},
  };
  for (const auto& [known, hint] : kHints) {
    if (message == known) {
      return std::string(hint);
    }
  }
  return {};
}

// Runs the parser. The only place where its exceptions pass.
std::optional<Value> parse(std::string_view text, const LineIndex& lines, Problems& problems) {
  MemoryBuffer buffer(text);
  std::istream stream(&buffer);
  try {
    YAML::Parser parser(stream);
    TreeBuilder builder(lines, problems);
    parser.HandleNextDocument(builder);
    Value root = builder.take_root();
    // Not asked again after an empty document: on some texts the parser stands still.
    if (root.is(Value::Kind::mapping)) {
      NoSecondDocument none(lines, problems);
      parser.HandleNextDocument(none);
    }
    return root;
  } catch (const YAML::Exception& fault) {
    const bool ours = dynamic_cast<const Refused*>(&fault) != nullptr;
    const bool placed = !fault.mark.is_null();
    problems.syntax(placed ? lines.at(static_cast<std::size_t>(fault.mark.line),
                                      static_cast<std::size_t>(fault.mark.column))
                           : Mark{1, 1},
                    (ours ? "" : "not YAML: ") + fault.msg,
                    hint_for(fault.msg));
    return std::nullopt;
  }
}

}  // namespace

std::optional<Document> read_document(std::string_view text,
                                      std::string file_name,
                                      Diagnostics& diagnostics) {
  if (text.starts_with(kByteOrderMark)) {
    text.remove_prefix(kByteOrderMark.size());
  }
  Document document{.file = std::make_shared<const std::string>(std::move(file_name)), .root = {}};
  Problems problems(document.file, diagnostics);
  const LineIndex lines(text);
  if (auto fault = check_text(text)) {
    problems.syntax(
        lines.at_offset(fault->offset), std::move(fault->message), std::move(fault->hint));
    return std::nullopt;
  }
  auto root = parse(text, lines, problems);
  if (!root) {
    return std::nullopt;
  }
  if (!root->is(Value::Kind::mapping)) {
    const bool empty = text.find_first_not_of(" \t\r\n") == std::string_view::npos;
    problems.syntax(root->mark.known() ? root->mark : Mark{1, 1},
                    empty ? "the file is empty" : "a lab file is a mapping of keys to values",
                    "the smallest lab is 'nodes: {web: }'");
    return std::nullopt;
  }
  document.root = std::move(*root);
  return document;
}

}  // namespace nslab::topology
