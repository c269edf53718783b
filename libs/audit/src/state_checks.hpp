#pragma once

#include <map>
#include <string>

#include "dropline/contracts/envelope.hpp"
#include "dropline/store/database.hpp"
#include "outcomes.hpp"

namespace dropline::audit {

/// What was told of offers, drops and products beside the rows it was told of, and whether every
/// change that was answered is remembered.
class StateChecks final {
 public:
  explicit StateChecks(Outcomes& out) : out_(out) {}
  static void announce(Outcomes& out);

  void take(const stream::Record& record, const contracts::Envelope& envelope);
  /// All is read: asks the tables.
  [[nodiscard]] Status finish(store::Session& session);

 private:
  struct Told {
    std::int64_t version = -1;
    std::string text;  ///< of the row, in the words of this check
    std::string where;
  };
  static void keep(std::map<std::string, Told>& states, std::string key, Told told);
  [[nodiscard]] Status compare(store::Session& session, std::string_view table,
                               std::string_view sql, std::map<std::string, Told> states);
  [[nodiscard]] Status compare_changes(store::Session& session, std::string_view table,
                                       std::string_view sql,
                                       std::map<std::string, std::string> answers);

  Outcomes& out_;
  std::map<std::string, Told> offers_;
  std::map<std::string, Told> drops_;
  std::map<std::string, Told> products_;
  std::map<std::string, Told> listings_;
  std::map<std::string, std::string> stock_changes_;    ///< by change
  std::map<std::string, std::string> catalog_changes_;  ///< by change and subject
};

}  // namespace dropline::audit
