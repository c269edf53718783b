#pragma once

#include <optional>
#include <string>

#include "dropline/contracts/codec.hpp"

namespace dropline::shop {

/// Who is to get it. Sealed before it leaves this process.
struct Recipient {
  std::string name;
  std::string phone;
  std::string address;
  std::optional<std::string> postal_code;
  std::optional<std::string> note;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("name", self.name, contracts::Bounds{1, 100});
    visit("phone", self.phone, contracts::Bounds{1, 40});
    visit("address", self.address, contracts::Bounds{1, 300});
    visit("postal_code", self.postal_code, contracts::Bounds{1, 20});
    visit("note", self.note, contracts::Bounds{1, 200});
  }
};

}  // namespace dropline::shop
