// What the program prints, and where: data to stdout, all else to stderr.
// Colour and progress only on a terminal. What goes to stderr is made harmless to terminals
// here; what goes to stdout where it is put together, since colours are in it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "reconcile/executor.h"
#include "report/style.h"

namespace nslab::cli {

class Console final : public reconcile::Progress {
 public:
  // NO_COLOR (any value but the empty one) turns colour off: no-color.org.
  Console();
  ~Console() override;
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  void set_quiet(bool quiet) { quiet_ = quiet; }

  void set_verbose(int verbose);

  [[nodiscard]] bool verbose() const { return verbose_ > 0; }

  // Data, to stdout.
  void print(std::string_view text);

  // A line for the user, to stderr; nothing with -q.
  void say(std::string_view text);

  // Whether there is somebody to ask: both the question and the answer go by a terminal.
  [[nodiscard]] bool can_ask() const;
  // Asks for a yes, on stderr. Anything else, and an interrupt, is a no.
  bool ask(std::string_view question);

  // Errors, to stderr, also with -q. Each with its line of the file, if it has one.
  void fail(const Error& error);
  void fail(const std::vector<Error>& errors);
  // The same, for a file whose text is at hand (standard input cannot be read again).
  void fail(const std::vector<Error>& errors, std::string_view source);

  // To stderr; nothing with -q.
  void warn(const std::vector<Error>& warnings) override;

  [[nodiscard]] const report::Style& out() const { return out_style_; }

  [[nodiscard]] const report::Style& err() const { return err_style_; }

  // How many rows of a table to print where the user did not ask for all.
  [[nodiscard]] std::size_t rows(bool all) const;

  // Whether stdout was written whole; a full disk or a closed pipe is a failure.
  [[nodiscard]] bool flush();

  void begin(std::span<const plan::Step> steps, std::size_t done, std::size_t all) override;
  void stage(const char* name) override;

 private:
  void write_error(std::string_view text);
  void show_progress(const std::string& text);
  void clear_progress();

  bool quiet_ = false;
  int verbose_ = 0;
  bool progress_ = false;        // stderr is a terminal
  bool progress_shown_ = false;  // a line without an end stands there
  report::Style out_style_;
  report::Style err_style_;
};

}  // namespace nslab::cli
