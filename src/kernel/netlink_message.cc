// The messages of netlink.h: building requests, reading the attributes of replies.
#include <linux/if_link.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "kernel/netlink.h"

namespace nslab::kernel {

namespace {

// Every request of ours fits; a message does not grow.
constexpr std::size_t kMessageSize = 1024;

}  // namespace

Message::Message(std::uint16_t type, std::uint16_t flags)
    : message_(nlmsg_alloc_size(kMessageSize)) {
  complete_ = message_ != nullptr &&
              nlmsg_put(message_.get(), 0, 0, type, 0, NLM_F_REQUEST | flags) != nullptr;
}

void Message::Free::operator()(nl_msg* message) const {
  nlmsg_free(message);
}

void Message::append(const void* data, std::size_t size) {
  if (complete_) {
    check(nlmsg_append(message_.get(), const_cast<void*>(data), size, NLMSG_ALIGNTO));
  }
}

void Message::put_bytes(int attribute, std::span<const std::uint8_t> value) {
  if (complete_) {
    check(nla_put(message_.get(), attribute, static_cast<int>(value.size()), value.data()));
  }
}

void Message::put_u8(int attribute, std::uint8_t value) {
  put_bytes(attribute, {&value, 1});
}

void Message::put_u16(int attribute, std::uint16_t value) {
  put_bytes(attribute, {reinterpret_cast<const std::uint8_t*>(&value), sizeof value});
}

void Message::put_u32(int attribute, std::uint32_t value) {
  put_bytes(attribute, {reinterpret_cast<const std::uint8_t*>(&value), sizeof value});
}

void Message::put_string(int attribute, const std::string& value) {
  put_bytes(attribute, {reinterpret_cast<const std::uint8_t*>(value.c_str()), value.size() + 1});
}

Message::Nest Message::nest(int attribute) {
  nlattr* start = complete_ ? nla_nest_start(message_.get(), attribute) : nullptr;
  complete_ = start != nullptr;
  return {message_.get(), start};
}

Message::Nest::~Nest() {
  if (start_ != nullptr) {
    nla_nest_end(message_, start_);
  }
}

std::span<const std::byte> Message::bytes() const {
  const nlmsghdr* header = nlmsg_hdr(message_.get());
  return {reinterpret_cast<const std::byte*>(header), header->nlmsg_len};
}

void Batch::add(std::size_t tag,
                const Message& message,
                std::string what,
                std::initializer_list<int> forgiven) {
  Entry entry{.tag = tag, .offset = bytes_.size(), .what = std::move(what), .forgiven = forgiven};
  if (message.complete()) {
    const auto bytes = message.bytes();
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    bytes_.resize(NLMSG_ALIGN(bytes_.size()));
    entry.size = bytes_.size() - entry.offset;
  }
  entries_.push_back(std::move(entry));
}

Attributes::Attributes(const nlmsghdr& message, std::size_t header_size, int max_type) {
  static_assert(IFLA_MAX < std::tuple_size<decltype(table_)>());
  assert(static_cast<std::size_t>(max_type) < table_.size());
  const auto skip = static_cast<int>(NLMSG_ALIGN(header_size));
  auto* header = const_cast<nlmsghdr*>(&message);
  if (message.nlmsg_len >= NLMSG_LENGTH(static_cast<std::uint32_t>(skip))) {
    // Without a policy nla_parse() checks bounds only and cannot fail.
    (void)nla_parse(table_.data(),
                    max_type,
                    nlmsg_attrdata(header, skip),
                    nlmsg_attrlen(header, skip),
                    nullptr);
  }
}

Attributes::Attributes(const nlattr* nest, int max_type) {
  assert(static_cast<std::size_t>(max_type) < table_.size());
  if (nest != nullptr) {
    (void)nla_parse_nested(table_.data(), max_type, const_cast<nlattr*>(nest), nullptr);
  }
}

const nlattr* Attributes::find(int type) const {
  return table_[static_cast<std::size_t>(type)];
}

std::span<const std::uint8_t> Attributes::bytes(int type) const {
  const nlattr* attribute = find(type);
  if (attribute == nullptr) {
    return {};
  }
  return {static_cast<const std::uint8_t*>(nla_data(attribute)),
          static_cast<std::size_t>(nla_len(attribute))};
}

std::uint8_t Attributes::u8(int type, std::uint8_t otherwise) const {
  const auto value = bytes(type);
  return value.empty() ? otherwise : value[0];
}

std::uint32_t Attributes::u32(int type, std::uint32_t otherwise) const {
  const auto value = bytes(type);
  if (value.size() >= sizeof otherwise) {
    std::memcpy(&otherwise, value.data(), sizeof otherwise);
  }
  return otherwise;
}

std::string Attributes::string(int type) const {
  const auto value = bytes(type);
  const auto end = std::find(value.begin(), value.end(), std::uint8_t{0});
  return {value.begin(), end};
}

Attributes Attributes::nested(int type, int max_type) const {
  return {find(type), max_type};
}

}  // namespace nslab::kernel
