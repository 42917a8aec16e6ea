#include "lab.h"

#include <arpa/inet.h>

#include <fstream>
#include <sstream>

#include "netlink.h"

namespace bench {
namespace {

std::uint32_t address_of(const std::string& text) {
  std::uint32_t address = 0;
  if (inet_pton(AF_INET, text.c_str(), &address) != 1) {
    fail("not an address: " + text, EINVAL);
  }
  return address;
}

std::string mac_of(const std::string& text) {
  std::string mac;
  for (std::size_t i = 0; i + 1 < text.size(); i += 3) {
    mac += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
  }
  return mac;
}

class Reader {
 public:
  Lab read(std::istream& file) {
    for (std::string line; std::getline(file, line);) {
      std::istringstream words(line);
      std::string kind;
      words >> kind;
      take(kind, words, line);
      if (words.fail()) {
        fail("not understood: " + line, EINVAL);
      }
    }
    return std::move(lab_);
  }

 private:
  void take(const std::string& kind, std::istream& words, const std::string& line) {
    if (kind == "node") {
      Node node;
      words >> node.name;
      places_[node.name] = lab_.nodes.size();
      lab_.nodes.push_back(node);
      lab_.addresses.emplace_back();
      lab_.routes.emplace_back();
      lab_.interfaces.emplace_back();
    } else if (kind == "bridge") {
      std::string name;
      words >> name;
      lab_.bridges.push_back(name);
    } else if (kind == "cable") {
      Cable cable{.a = interface(words), .b = interface(words), .bridge = ""};
      lab_.cables.push_back(cable);
    } else if (kind == "port") {
      Cable cable{.a = interface(words), .b = {}, .bridge = ""};
      std::string mac;
      words >> cable.b.name >> mac >> cable.bridge;
      cable.b.mac = mac_of(mac);
      lab_.cables.push_back(cable);
    } else if (kind == "address") {
      take_address(words);
    } else if (kind == "route") {
      take_route(words);
    } else if (kind == "forward") {
      lab_.nodes[node(words)].forwards = true;
    } else if (kind == "hosts") {
      lab_.hosts += line.substr(std::min(line.size(), std::string("hosts ").size())) + "\n";
      words.clear();
    } else {
      fail("unknown: " + line, EINVAL);
    }
  }

  std::size_t node(std::istream& words) {
    std::string name;
    words >> name;
    const auto place = places_.find(name);
    if (place == places_.end()) {
      fail("no node " + name, EINVAL);
    }
    return place->second;
  }

  Interface interface(std::istream& words) {
    Interface interface { .node = node(words) };
    std::string mac;
    words >> interface.name >> mac;
    interface.mac = mac_of(mac);
    interface.index = 2 + lab_.nodes[interface.node].interfaces++;
    indices_[lab_.nodes[interface.node].name + " " + interface.name] = interface.index;
    lab_.interfaces[interface.node].push_back(interface.index);
    return interface;
  }

  void take_address(std::istream& words) {
    Address address{.node = node(words)};
    std::string interface;
    std::string text;
    unsigned length = 0;
    words >> interface >> text >> length;
    address.index = indices_[lab_.nodes[address.node].name + " " + interface];
    address.address = address_of(text);
    address.length = static_cast<std::uint8_t>(length);
    lab_.addresses[address.node].push_back(address);
  }

  void take_route(std::istream& words) {
    Route route{.node = node(words)};
    std::string to;
    std::string via;
    unsigned length = 0;
    words >> to >> length >> via >> route.metric;
    route.to = address_of(to);
    route.length = static_cast<std::uint8_t>(length);
    route.via = address_of(via);
    lab_.routes[route.node].push_back(route);
  }

  Lab lab_;
  std::unordered_map<std::string, std::size_t> places_;
  std::unordered_map<std::string, int> indices_;
};

}  // namespace

Lab Lab::read(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    fail("opening " + path);
  }
  return Reader().read(file);
}

}  // namespace bench
