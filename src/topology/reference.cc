// The field tables as a page for people.
#include <algorithm>
#include <set>

#include "base/text.h"
#include "topology/load.h"
#include "topology/shape.h"

namespace nslab::topology {
namespace {

constexpr std::string_view kOpening = R"(# The lab file

<!-- Written by tools/generate from the field tables in src/topology. Do not edit. -->

One YAML file describes one lab. It is read strictly: an unknown key, a value of
the wrong kind, a number without its unit is an error with its line and column.
All errors of a file are reported in one pass.

**Text.** UTF-8, at most 1 MiB, one document. No aliases, anchors, merge keys and
tags, and no key twice; `defaults` and `groups` share keys between nodes instead.
Keys that begin with `x-` are the user's own and are ignored, everywhere.

**Numbers** are decimal and plain: not `010`, `0x1F`, `1_000`. Sizes carry K, M, G
or T (powers of 1024), times ms, s, m, h or d. `true` and `false` are the only truth
values. Where a text is expected, a number is taken as it is written in variables,
arguments, sysctls and files; elsewhere it needs quotes.

**Addresses** are handed out in the order of the file, the same every time: those
that the file pins are kept free, the router of a subnet gets its first address, then
each interface the next, those of links after those of nodes. The address of the network
and the broadcast address are never handed out. An interface on a subnet of IPv4 and IPv6 gets
one of each. MAC addresses are derived from the names of lab, node and interface.

**Default routes.** A node that is no router has one through the first of its interfaces
whose subnet, or link with a `subnet`, has a gateway: its only router, or the
`gateway` that the subnet names. A route to `default` of its own replaces it.

**Inheritance.** What `defaults` says counts unless a group of the node says otherwise;
what a group says counts unless the node does; of two groups the later one counts. Keys
merge one by one in `interfaces`, `environment`, `sysctls`, `limits`, `namespaces`,
`clock`, `after`, `services` and each service; names that are new are added before the node's own.
Lists (`routes`, `setup`, commands), single values, and each entry of `files`, `directories` and
`mounts` and each `ready` replace the inherited one whole.

**What a node sees of the host's files.** With `root: overlay` all of the host's tree, each of its
file systems under a layer of the node's own: what the node writes is its own affair, and the
host's files stay. Its own are /proc, /sys, /dev, /run and /tmp (a program below the host's /tmp
is not there), /etc/hosts, /etc/resolv.conf, /etc/hostname and /etc/machine-id. Below /run are the
directories that daemons expect. A file that is mounted by itself, and what no layer fits over, can
only be read. The directories of container engines below /var/lib are not shown. What the host
mounts or unmounts while the node runs is drift; `up` starts the node again with it. So is another
file at the source of a bind, as an editor or git puts it there; `up` binds it again. What is
installed or replaced on the host is found by the next `exec`; what runs already may go on with
what it has. The kernel keeps a disk busy that is seen in a node, also after `umount` on the host.
rename(2) of a directory of the host's fails with EXDEV, which mv(1) copes with.

**Nothing is made on the host.** Where a `files` entry lies in a directory that `mounts` binds, the
host's file is covered, not written; it has to be there. So has every mount point in such a
directory. A covered file cannot be replaced by rename(2).

**What a change costs** a running lab stands beside each key:

| cost | meaning |
| --- | --- |
| nothing | done in place; what is concerned is changed, added or removed, and nothing else notices |
| service restart | the service starts again, its node goes on |
| node restart | the node's processes start again in a clean network namespace, with those of nodes that share it; its files stay, but for those in memory (see `keep`), and so do its cables, and its neighbours notice nothing but that |
| link replaced | the cables concerned are made anew |
| another lab | it is not the same lab any more |
)";

// The blocks of keys in the order in which they are met.
void collect(const BlockShape& block, std::vector<const BlockShape*>& blocks) {
  if (std::ranges::find(blocks, &block) != blocks.end()) {
    return;
  }
  blocks.push_back(&block);
  std::vector<Shape> open;
  for (const FieldShape& field : block.fields) {
    open.push_back(field.shape);
  }
  for (std::size_t i = 0; i < open.size(); ++i) {
    const Shape shape = open[i];
    open.insert(open.end(), shape.of.begin(), shape.of.end());
    if (shape.kind == Shape::Kind::block) {
      collect(shape.block(), blocks);
    }
  }
}

// A '|' would end the cell of a table.
std::string cell(std::string_view text) {
  std::string escaped;
  for (const char each : text) {
    escaped += each == '|' ? "\\|" : std::string(1, each);
  }
  return escaped;
}

std::string kind_text(const Shape& shape) {
  switch (shape.kind) {
    case Shape::Kind::list:
      if (shape.of[0].any_scalar) {
        return shape.noun;  // "a list of arguments" says more than its items do
      }
      return "list of: " + kind_text(shape.of[0]);
    case Shape::Kind::table:
      return "mapping of names to: " + kind_text(shape.of[1]);
    case Shape::Kind::block: {
      const std::string name(shape.block().text->name);
      return "[" + name + "](#" + name + ")";
    }
    case Shape::Kind::choice: {
      std::vector<std::string> each;
      for (const Shape& one : shape.of) {
        each.push_back(kind_text(one));
      }
      return join(each, ", or ");
    }
    default:
      return shape.noun;
  }
}

std::string section(const BlockShape& block) {
  std::string text =
      "\n## " + std::string(block.text->name) + "\n\n" + std::string(block.text->doc) + "\n\n" +
      "| key | value | default | changing it costs | |\n" + "| --- | --- | --- | --- | --- |\n";
  for (const FieldShape& field : block.fields) {
    const std::string_view fallback = field.text.required ? "required" : field.text.fallback;
    text += "| `" + std::string(field.key) + "` | " + cell(kind_text(field.shape)) + " | " +
            cell(fallback.empty() ? "none" : fallback) + " | " +
            std::string(name_of(field.text.cost)) + " | " + cell(field.text.doc) + " |\n";
  }
  text += "\n";
  for (const FieldShape& field : block.fields) {
    text += "    " + std::string(field.text.example) + "\n";
  }
  return text;
}

}  // namespace

std::string reference_page() {
  std::vector<const BlockShape*> blocks;
  collect(lab_shape(), blocks);
  std::string page(kOpening);
  for (const BlockShape* block : blocks) {
    page += section(*block);
  }
  return page;
}

}  // namespace nslab::topology
