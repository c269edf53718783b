#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dropline/store/database.hpp"

namespace dropline::audit::testing {

/// A column as the database's own catalogue tells of it.
struct CatalogueColumn {
  std::string table;  ///< as the database calls it
  std::string name;
  std::string type;  ///< lower case: text, bigint, integer, uuid, json, boolean, bytea, blob
  bool nullable = false;
  bool key = false;  ///< of the primary key
};

/// The columns of a service's tables, table by table, but for the migrations' own.
[[nodiscard]] std::vector<CatalogueColumn> catalogue(store::Session& session,
                                                     std::string_view service);

/// A place in a table, and other values that a hand might put there.
struct Cell {
  std::string name;    ///< "stock.offers.free", "ordering.orders.facts:place.offset"
  std::string row;     ///< its key, for people
  std::string update;  ///< makes the change
  std::string change;  ///< "3 → 4", for people
};

/// Every cell of the first rows of every table of a service, each with the values to try: numbers
/// one more and one less, texts another of the same column and another word, each leaf of JSON,
/// null and not null. Tables without rows are told in `empty`.
[[nodiscard]] std::vector<Cell> cells(store::Session& session, std::string_view service,
                                      std::vector<std::string>& empty);

}  // namespace dropline::audit::testing
