#include "kernel/netlink.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <optional>
#include <utility>

namespace nslab::kernel {

namespace {

using std::chrono::steady_clock;

// The kernel answers with datagrams of at most 32 KiB unless offered more.
constexpr std::size_t kDatagramSize = 65536;
// Each acknowledgement takes about a kilobyte of the socket's receive buffer,
// of which an unprivileged socket has 208 KiB.
constexpr std::size_t kMessagesAtOnce = 64;
constexpr int kBufferSize = 4 << 20;
// The kernel acts on a request before sendmsg() returns, so its answer is there
// at once; a socket that is silent for that long has lost it.
constexpr timeval kReceiveTimeout{.tv_sec = 5, .tv_usec = 0};
constexpr int kDumpAttempts = 20;

// Interrupted calls are made again. The count, or the negative errno.
template <typename Call>
ssize_t retried(Call call) {
  ssize_t count = 0;
  do {
    count = call();
  } while (count < 0 && errno == EINTR);
  return count < 0 ? -errno : count;
}

// 0 or an errno.
int send_all(int fd, std::span<const std::byte> bytes) {
  const sockaddr_nl to{.nl_family = AF_NETLINK};
  const ssize_t sent = retried([&] {
    return ::sendto(
        fd, bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  });
  return sent < 0 ? static_cast<int>(-sent) : 0;
}

// For one datagram, until the next one: one for a thread and not for each of thousands
// of sockets.
std::byte* datagram_buffer() {
  thread_local const auto buffer = std::make_unique_for_overwrite<std::byte[]>(kDatagramSize);
  return buffer.get();
}

struct Datagram {
  std::span<const std::byte> bytes;
  int os_error = 0;
};

// The next datagram of the kernel; other processes' are dropped.
Datagram receive(int fd, std::byte* buffer, int flags = 0) {
  for (;;) {
    sockaddr_nl from{};
    socklen_t from_size = sizeof from;
    const ssize_t size = retried([&] {
      return ::recvfrom(fd,
                        buffer,
                        kDatagramSize,
                        flags | MSG_TRUNC,
                        reinterpret_cast<sockaddr*>(&from),
                        &from_size);
    });
    if (size < 0) {
      return {.os_error = static_cast<int>(-size)};
    }
    if (static_cast<std::size_t>(size) > kDatagramSize) {
      return {.os_error = EMSGSIZE};
    }
    if (from.nl_pid == 0) {
      return {.bytes = {buffer, static_cast<std::size_t>(size)}};
    }
  }
}

template <typename Visitor>
void for_each_message(std::span<const std::byte> bytes, Visitor visit) {
  while (bytes.size() >= sizeof(nlmsghdr)) {
    const auto* message = reinterpret_cast<const nlmsghdr*>(bytes.data());
    if (message->nlmsg_len < sizeof(nlmsghdr) || message->nlmsg_len > bytes.size()) {
      return;
    }
    visit(*message);
    bytes = bytes.subspan(std::min<std::size_t>(NLMSG_ALIGN(message->nlmsg_len), bytes.size()));
  }
}

// An NLMSG_ERROR, or the NLMSG_DONE of a dump, whose first word is the same.
struct Answer {
  int os_error = 0;
  std::string words;  // the kernel's explanation, where it has one
};

Answer answer_of(const nlmsghdr& message) {
  const auto* code = header_of<int>(message);
  if (code == nullptr) {
    return {.os_error = EBADMSG};
  }
  Answer answer{.os_error = -*code};
  if (answer.os_error == 0 || (message.nlmsg_flags & NLM_F_ACK_TLVS) == 0) {
    return answer;
  }
  std::size_t header = sizeof(int);
  if (message.nlmsg_type == NLMSG_ERROR) {
    const auto* error = header_of<nlmsgerr>(message);
    header = sizeof(nlmsgerr);
    if (error != nullptr && (message.nlmsg_flags & NLM_F_CAPPED) == 0) {
      header += error->msg.nlmsg_len - sizeof(nlmsghdr);
    }
  }
  answer.words = Attributes(message, header, NLMSGERR_ATTR_MSG).string(NLMSGERR_ATTR_MSG);
  return answer;
}

Error answer_error(std::string_view what, const Answer& answer) {
  std::string text{what};
  if (!answer.words.empty()) {
    text += ": " + answer.words;
  }
  return kernel_error(std::move(text), answer.os_error);
}

enum class DumpEnd : std::uint8_t {
  whole,
  interrupted,
  failed,
};

struct DumpOutcome {
  DumpEnd end = DumpEnd::failed;
  Answer answer{};
  std::vector<std::byte> replies{};
};

// Reads the replies of one dump request to its end.
DumpOutcome read_dump(int fd, std::byte* buffer, std::uint32_t sequence) {
  DumpOutcome outcome;
  bool interrupted = false;
  std::optional<Answer> end;
  while (!end) {
    const Datagram datagram = receive(fd, buffer);
    if (datagram.os_error != 0) {
      outcome.answer.os_error = datagram.os_error == EAGAIN ? ETIMEDOUT : datagram.os_error;
      return outcome;
    }
    for_each_message(datagram.bytes, [&](const nlmsghdr& message) {
      if (message.nlmsg_seq != sequence || end) {
        return;
      }
      interrupted = interrupted || (message.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
      if (message.nlmsg_type == NLMSG_DONE || message.nlmsg_type == NLMSG_ERROR) {
        end = answer_of(message);
        return;
      }
      const auto* bytes = reinterpret_cast<const std::byte*>(&message);
      outcome.replies.insert(outcome.replies.end(), bytes, bytes + NLMSG_ALIGN(message.nlmsg_len));
    });
  }
  outcome.answer = *std::move(end);
  if (outcome.answer.os_error == 0) {
    outcome.end = interrupted ? DumpEnd::interrupted : DumpEnd::whole;
  }
  return outcome;
}

void stamp(std::byte* message, std::uint32_t sequence, unsigned flags) {
  auto* header = reinterpret_cast<nlmsghdr*>(message);
  header->nlmsg_seq = sequence;
  header->nlmsg_flags = static_cast<std::uint16_t>(header->nlmsg_flags | flags);
}

// The answers to requests first, first+1, ...; nothing where none came.
std::vector<std::optional<Answer>> collect_answers(int fd,
                                                   std::byte* buffer,
                                                   std::uint32_t first,
                                                   std::size_t count) {
  std::vector<std::optional<Answer>> answers(count);
  std::size_t missing = count;
  int lost = ETIMEDOUT;
  while (missing > 0) {
    const Datagram datagram = receive(fd, buffer, lost == ENOBUFS ? MSG_DONTWAIT : 0);
    if (datagram.os_error == ENOBUFS) {
      lost = ENOBUFS;
      continue;
    }
    if (datagram.os_error != 0) {
      lost = datagram.os_error == EAGAIN ? lost : datagram.os_error;
      break;
    }
    for_each_message(datagram.bytes, [&](const nlmsghdr& message) {
      const std::uint32_t place = message.nlmsg_seq - first;
      if (message.nlmsg_type == NLMSG_ERROR && place < count && !answers[place]) {
        answers[place] = answer_of(message);
        --missing;
      }
    });
  }
  for (auto& answer : answers) {
    if (!answer) {
      answer = Answer{.os_error = lost, .words = "no answer from the kernel"};
    }
  }
  return answers;
}

}  // namespace

Socket::Socket(UniqueFd fd) : fd_(std::move(fd)) {}

Result<Socket> Socket::open(int protocol, std::uint32_t groups) {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  if (!fd.valid()) {
    return kernel_error("opening a netlink socket", errno);
  }
  const int on = 1;
  // What a kernel does not know of these it can do without.
  for (const int option : {NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK}) {
    (void)::setsockopt(fd.get(), SOL_NETLINK, option, &on, sizeof on);
  }
  for (const int option : {SO_SNDBUFFORCE, SO_RCVBUFFORCE}) {
    (void)::setsockopt(fd.get(), SOL_SOCKET, option, &kBufferSize, sizeof kBufferSize);
  }
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kReceiveTimeout, sizeof kReceiveTimeout);
  // The kernel binds one that only asks when it does.
  const sockaddr_nl address{.nl_family = AF_NETLINK, .nl_groups = groups};
  if (groups != 0 &&
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
    return kernel_error("binding a netlink socket", errno);
  }
  return Socket(std::move(fd));
}

std::vector<Failure> Socket::execute(const Batch& batch) {
  std::vector<Failure> failures;
  std::size_t first = 0;
  while (first < batch.size()) {
    const std::size_t last = std::min(first + kMessagesAtOnce, batch.size());
    execute_chunk(batch, first, last, failures);
    first = last;
  }
  return failures;
}

void Socket::execute_chunk(const Batch& batch,
                           std::size_t first,
                           std::size_t last,
                           std::vector<Failure>& failures) {
  std::vector<std::byte> bytes;
  std::vector<const Batch::Entry*> sent;
  const std::uint32_t first_sequence = sequence_ + 1;
  for (std::size_t i = first; i < last; ++i) {
    const Batch::Entry& entry = batch.entries_[i];
    if (entry.size == 0) {
      failures.push_back({.tag = entry.tag, .error = kernel_error(entry.what, EMSGSIZE)});
      continue;
    }
    const auto* source = batch.bytes_.data() + entry.offset;
    bytes.insert(bytes.end(), source, source + entry.size);
    stamp(bytes.data() + bytes.size() - entry.size, ++sequence_, NLM_F_ACK);
    sent.push_back(&entry);
  }
  if (sent.empty()) {
    return;
  }
  if (const int os_error = send_all(fd_.get(), bytes); os_error != 0) {
    for (const auto* entry : sent) {
      failures.push_back({.tag = entry->tag, .error = kernel_error(entry->what, os_error)});
    }
    return;
  }
  const auto answers = collect_answers(fd_.get(), datagram_buffer(), first_sequence, sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) {
    if (answers[i]->os_error != 0 &&
        std::ranges::find(sent[i]->forgiven, answers[i]->os_error) == sent[i]->forgiven.end()) {
      failures.push_back({.tag = sent[i]->tag, .error = answer_error(sent[i]->what, *answers[i])});
    }
  }
}

Result<void> Socket::dump(const Message& request,
                          std::string_view what,
                          const MessageVisitor& visit) {
  if (!request.complete()) {
    return kernel_error(std::string{what}, EMSGSIZE);
  }
  std::vector<std::byte> bytes(request.bytes().begin(), request.bytes().end());
  for (int attempt = 0; attempt < kDumpAttempts; ++attempt) {
    stamp(bytes.data(), ++sequence_, NLM_F_DUMP);
    if (const int os_error = send_all(fd_.get(), bytes); os_error != 0) {
      return kernel_error(std::string{what}, os_error);
    }
    const DumpOutcome outcome = read_dump(fd_.get(), datagram_buffer(), sequence_);
    if (outcome.end == DumpEnd::failed) {
      return answer_error(what, outcome.answer);
    }
    if (outcome.end == DumpEnd::whole) {
      for_each_message(outcome.replies, visit);
      return {};
    }
  }
  return answer_error(what, {.os_error = EAGAIN, .words = "changed every time it was read"});
}

Result<void> Socket::get(const Message& request,
                         std::string_view what,
                         const MessageVisitor& visit) {
  if (!request.complete()) {
    return kernel_error(std::string{what}, EMSGSIZE);
  }
  std::vector<std::byte> bytes(request.bytes().begin(), request.bytes().end());
  stamp(bytes.data(), ++sequence_, 0);
  Answer answer{.os_error = send_all(fd_.get(), bytes)};
  for (bool answered = answer.os_error != 0; !answered;) {
    const Datagram datagram = receive(fd_.get(), datagram_buffer());
    if (datagram.os_error != 0) {
      return kernel_error(std::string{what},
                          datagram.os_error == EAGAIN ? ETIMEDOUT : datagram.os_error);
    }
    for_each_message(datagram.bytes, [&](const nlmsghdr& message) {
      if (message.nlmsg_seq != sequence_ || answered) {
        return;
      }
      answered = true;
      if (message.nlmsg_type == NLMSG_ERROR) {
        answer = answer_of(message);
      } else {
        visit(message);
      }
    });
  }
  return answer.os_error != 0 ? Result<void>(answer_error(what, answer)) : Result<void>();
}

Result<bool> Socket::wait_event(steady_clock::time_point deadline, const MessageVisitor& visit) {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now()).count();
    pollfd events{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    const int ready = ::poll(&events, 1, static_cast<int>(std::clamp<long>(left, 0, INT_MAX)));
    if (ready == 0) {
      return false;
    }
    if (ready < 0 && errno != EINTR) {
      return kernel_error("waiting for the kernel's events", errno);
    }
    if (ready < 0) {
      continue;
    }
    const Datagram datagram = receive(fd_.get(), datagram_buffer(), MSG_DONTWAIT);
    if (datagram.os_error == EAGAIN) {
      continue;
    }
    if (datagram.os_error != 0) {
      return kernel_error("reading the kernel's events", datagram.os_error);
    }
    for_each_message(datagram.bytes, visit);
    return true;
  }
}

}  // namespace nslab::kernel
