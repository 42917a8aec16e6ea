#include <algorithm>
#include <string>

#include "topology/text_check.h"

namespace nslab::topology {
namespace {

// Follows the structure of YAML as far as brackets, quotes, comments and block
// scalars go. What it does not understand it lets pass: the parser judges.
class StructureScan {
 public:
  explicit StructureScan(std::string_view text) : text_(text) {}

  std::optional<TextFault> run() {
    while (!at_end() && !fault_) {
      if (brackets_.empty()) {
        block_line();
      } else {
        flow_token();
      }
    }
    if (!fault_ && !brackets_.empty()) {
      const char open = text_[brackets_.back()];
      fail(brackets_.back(),
           "this bracket is never closed",
           std::string("close it with '") + closing(open) + "'");
    }
    return std::move(fault_);
  }

 private:
  static char closing(char open) { return open == '[' ? ']' : '}'; }

  [[nodiscard]] bool at_end() const { return at_ >= text_.size(); }

  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\n';
  }

  [[nodiscard]] bool blank(std::size_t ahead) const {
    const char next = peek(ahead);
    return next == ' ' || next == '\n' || next == '\r' || next == '\t';
  }

  [[nodiscard]] std::size_t column() const { return at_ - line_start_; }

  void fail(std::size_t offset, std::string message, std::string hint = {}) {
    fault_ = TextFault{offset, std::move(message), std::move(hint)};
  }

  void skip_rest_of_line() {
    at_ = std::min(text_.find('\n', at_), text_.size());
    next_line();
  }

  void next_line() {
    at_ = std::min(at_ + 1, text_.size());
    line_start_ = at_;
  }

  void skip_spaces() {
    while (peek() == ' ' || peek() == '\t') {
      ++at_;
    }
  }

  [[nodiscard]] bool rest_is_blank() const {
    const std::size_t next = text_.find_first_not_of(" \t\r", at_);
    return next == std::string_view::npos || text_[next] == '\n' || text_[next] == '#';
  }

  // One line outside brackets: indentation, "- " and "? " markers, then tokens.
  void block_line() {
    while (peek() == ' ') {
      ++at_;
    }
    if (rest_is_blank() || (in_plain_ && column() > parent_)) {
      return skip_rest_of_line();
    }
    in_plain_ = false;
    if (peek() == '\t') {
      return fail(at_, "a tab indents this line", "YAML indents with spaces only");
    }
    parent_ = column();
    while ((peek() == '-' || peek() == '?') && blank(1) && !at_end()) {
      parent_ = column();
      ++at_;
      skip_spaces();
    }
    while (!at_end() && brackets_.empty() && !fault_ && block_token()) {
    }
  }

  // One token of a line outside brackets. False at the end of the line.
  bool block_token() {
    skip_spaces();
    switch (peek()) {
      case '\n':
        next_line();
        return false;
      case '#':
        skip_rest_of_line();
        return false;
      case '"':
      case '\'':
        token_ = column();
        quoted();
        return true;
      case '[':
      case '{':
        open();
        return true;
      case '|':
      case '>':
        block_scalar();
        return false;
      case ':':
        return colon();
      default:
        token_ = column();
        return plain();
    }
  }

  // The colon after a key; from here on, what is deeper belongs to the key.
  bool colon() {
    if (!blank(1)) {
      return plain();
    }
    ++at_;
    parent_ = token_;
    return true;
  }

  // Plain text up to the colon that makes it a key, or to the end of the line,
  // from where it can go on in deeper lines.
  bool plain() {
    for (; peek() != '\n'; ++at_) {
      if (peek() == ':' && blank(1)) {
        return colon();
      }
      if (peek() == '#' && (text_[at_ - 1] == ' ' || text_[at_ - 1] == '\t')) {
        skip_rest_of_line();
        return false;
      }
    }
    in_plain_ = true;
    next_line();
    return false;
  }

  // The lines of a block scalar: all that are indented deeper than its parent.
  void block_scalar() {
    skip_rest_of_line();
    while (!at_end()) {
      const std::size_t text = std::min(text_.find_first_not_of(' ', at_), text_.size());
      const bool empty = text == text_.size() || text_[text] == '\n' || text_[text] == '\r';
      if (!empty && text - at_ <= parent_) {
        return;
      }
      skip_rest_of_line();
    }
  }

  void quoted() {
    const std::size_t start = at_;
    const char quote = peek();
    for (++at_; !at_end(); ++at_) {
      if (peek() == '\n') {
        line_start_ = at_ + 1;
      } else if (quote == '"' && peek() == '\\') {
        ++at_;
      } else if (peek() == quote && quote == '\'' && peek(1) == '\'') {
        ++at_;
      } else if (peek() == quote) {
        ++at_;
        return;
      }
    }
    fail(start, "this quote is never closed", std::string("end the text with ") + quote);
  }

  void open() {
    brackets_.push_back(at_++);
    token_start_ = true;
    if (brackets_.size() > kMaxNesting) {
      fail(brackets_.back(),
           "brackets are nested more than " + std::to_string(kMaxNesting) + " deep");
    }
  }

  void close() {
    const char expected = closing(text_[brackets_.back()]);
    if (peek() != expected) {
      return fail(
          at_,
          std::string("'") + peek() + "' closes nothing here; '" + expected + "' has to come first",
          std::string("the last bracket that is open is a '") + text_[brackets_.back()] + "'");
    }
    brackets_.pop_back();
    ++at_;
    token_start_ = false;
  }

  // One character or quoted text inside brackets.
  void flow_token() {
    const char here = peek();
    if (here == '[' || here == '{') {
      open();
    } else if (here == ']' || here == '}') {
      close();
    } else if ((here == '"' || here == '\'') && token_start_) {
      quoted();
      // As in JSON, a value may follow the colon of a quoted key at once.
      token_start_ = peek() == ':';
      at_ += token_start_ ? 1 : 0;
    } else if (here == '#' && blank_before()) {
      skip_rest_of_line();
    } else if (here == '\n') {
      next_line();
    } else {
      ++at_;
      token_start_ =
          here == ',' || (here == ':' && ends_token(0)) || (token_start_ && blank_before());
    }
  }

  [[nodiscard]] bool blank_before() const {
    const char before = text_[at_ - 1];
    return before == ' ' || before == '\n' || before == '\r' || before == '\t';
  }

  [[nodiscard]] bool ends_token(std::size_t ahead) const {
    return blank(ahead) || std::string_view("[]{},").find(peek(ahead)) != std::string_view::npos;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_start_ = 0;
  std::size_t token_ = 0;              // outside brackets: where the last token began
  std::size_t parent_ = 0;             // column of the innermost key or dash
  bool in_plain_ = false;              // a plain text may go on in the next line
  bool token_start_ = false;           // inside brackets: whether a quote would open a text
  std::vector<std::size_t> brackets_;  // offsets of the open ones
  std::optional<TextFault> fault_;
};

}  // namespace

std::optional<TextFault> check_structure(std::string_view text) {
  return StructureScan(text).run();
}

}  // namespace nslab::topology
