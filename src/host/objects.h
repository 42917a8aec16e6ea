// One set of functions per kind of resource. The compiler asks for them all:
// LinuxHost creates and destroys every type of Spec, and changes those that have
// a field which changes in place.
#pragma once

#include <span>

#include "host/context.h"

namespace nslab::host {

template <typename T>
using Batch = std::span<const T* const>;

template <typename T>
using Changes = std::span<const ChangeOf<T>>;

// lab.cc
Outcome create(Context& context, Batch<resource::Lab> batch);
Outcome change(Context& context, Changes<resource::Lab> batch);
Outcome destroy(Context& context, Batch<resource::Lab> batch);
Outcome create(Context& context, Batch<resource::SharedFile> batch);
Outcome change(Context& context, Changes<resource::SharedFile> batch);
Outcome destroy(Context& context, Batch<resource::SharedFile> batch);
Outcome create(Context& context, Batch<resource::Cgroup> batch);
Outcome change(Context& context, Changes<resource::Cgroup> batch);
Outcome destroy(Context& context, Batch<resource::Cgroup> batch);

// namespaces.cc
Outcome create(Context& context, Batch<resource::UserNs> batch);
Outcome destroy(Context& context, Batch<resource::UserNs> batch);
Outcome create(Context& context, Batch<resource::NetNs> batch);
Outcome change(Context& context, Changes<resource::NetNs> batch);
Outcome destroy(Context& context, Batch<resource::NetNs> batch);
Outcome create(Context& context, Batch<resource::Sysctl> batch);
Outcome change(Context& context, Changes<resource::Sysctl> batch);
Outcome destroy(Context& context, Batch<resource::Sysctl> batch);

// cables.cc
Outcome create(Context& context, Batch<resource::Bridge> batch);
Outcome change(Context& context, Changes<resource::Bridge> batch);
Outcome destroy(Context& context, Batch<resource::Bridge> batch);
Outcome create(Context& context, Batch<resource::Veth> batch);
Outcome change(Context& context, Changes<resource::Veth> batch);
Outcome destroy(Context& context, Batch<resource::Veth> batch);
Outcome destroy(Context& context, Batch<resource::Link> batch);

// addresses.cc
Outcome create(Context& context, Batch<resource::Address> batch);
Outcome change(Context& context, Changes<resource::Address> batch);
Outcome destroy(Context& context, Batch<resource::Address> batch);
Outcome create(Context& context, Batch<resource::Route> batch);
Outcome change(Context& context, Changes<resource::Route> batch);
Outcome destroy(Context& context, Batch<resource::Route> batch);

// node.cc
Outcome create(Context& context, Batch<resource::Node> batch);
Outcome change(Context& context, Changes<resource::Node> batch);
Outcome destroy(Context& context, Batch<resource::Node> batch);

// content.cc
Outcome create(Context& context, Batch<resource::Mount> batch);
Outcome change(Context& context, Changes<resource::Mount> batch);
Outcome destroy(Context& context, Batch<resource::Mount> batch);
Outcome create(Context& context, Batch<resource::Directory> batch);
Outcome change(Context& context, Changes<resource::Directory> batch);
Outcome destroy(Context& context, Batch<resource::Directory> batch);
Outcome create(Context& context, Batch<resource::File> batch);
Outcome change(Context& context, Changes<resource::File> batch);
Outcome destroy(Context& context, Batch<resource::File> batch);

// service.cc
Outcome create(Context& context, Batch<resource::Setup> batch);
Outcome create(Context& context, Batch<resource::Service> batch);
Outcome destroy(Context& context, Batch<resource::Service> batch);
Outcome confirm(Context& context, Batch<resource::Service> batch);

}  // namespace nslab::host
