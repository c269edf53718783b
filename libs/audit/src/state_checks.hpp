#pragma once

#include <map>
#include <string>

#include "dropline/contracts/envelope.hpp"
#include "dropline/store/database.hpp"
#include "outcomes.hpp"

namespace dropline::audit {

/// What was told of offers, drops, products and rankings last, and how changes were answered. Grows
/// with their number, not with the log; a reader may keep it and go on.
class ToldStates final {
 public:
  struct Told {
    std::int64_t version = -1;
    std::string text;  ///< of the row, in the words of StateChecks
    std::string where;
  };
  using States = std::map<std::string, Told>;

  void take(const stream::Record& record, const contracts::Envelope& envelope);

  [[nodiscard]] const States& offers() const { return offers_; }
  [[nodiscard]] const States& drops() const { return drops_; }
  [[nodiscard]] const States& products() const { return products_; }
  [[nodiscard]] const States& listings() const { return listings_; }
  [[nodiscard]] const States& snapshots() const { return snapshots_; }
  [[nodiscard]] const std::map<std::string, std::string>& stock_changes() const {
    return stock_changes_;
  }
  [[nodiscard]] const std::map<std::string, std::string>& catalog_changes() const {
    return catalog_changes_;
  }

 private:
  static void keep(States& states, std::string key, Told told);

  States offers_;
  States drops_;
  States products_;
  States listings_;
  States snapshots_;
  std::map<std::string, std::string> stock_changes_;    ///< by change
  std::map<std::string, std::string> catalog_changes_;  ///< by change and subject
};

/// What was told of offers, drops, products and rankings beside the rows it was told of, and
/// whether every change that was answered is remembered.
class StateChecks final {
 public:
  StateChecks(Outcomes& out, const ToldStates& told) : out_(out), told_(told) {}
  static void announce(Outcomes& out);
  static void announce_states(Outcomes& out);  ///< of compare_states() alone

  [[nodiscard]] Status compare_states(store::Session& session);
  /// Both kinds; asks the tables.
  [[nodiscard]] Status finish(store::Session& session);

 private:
  [[nodiscard]] Status compare(store::Session& session, std::string_view table,
                               std::string_view sql, ToldStates::States states);
  [[nodiscard]] Status compare_changes(store::Session& session, std::string_view table,
                                       std::string_view sql,
                                       std::map<std::string, std::string> answers);

  Outcomes& out_;
  const ToldStates& told_;
};

}  // namespace dropline::audit
