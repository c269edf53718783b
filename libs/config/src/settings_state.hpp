#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dropline/config/settings.hpp"

namespace dropline::config {

struct Given {
  Layer layer = Layer::fallback;
  std::string origin = "default";
  std::optional<std::string> value;  ///< canonical
};

struct Entry {
  const Option* option = nullptr;
  Given given;
  std::map<std::string, std::string> pairs;   ///< of a map
  std::map<std::string, Given> pair_origins;  ///< of a map, by key; without values
};

struct Settings::State {
  std::shared_ptr<const Schema> schema;  ///< what the entries point into
  std::map<std::string, Entry, std::less<>> entries;
  std::vector<std::string> warnings;
};

}  // namespace dropline::config
