#include "state_checks.hpp"

#include "dropline/contracts/catalog_events.hpp"
#include "dropline/contracts/catalog_products.hpp"
#include "dropline/contracts/codec.hpp"
#include "dropline/contracts/rankings_snapshots.hpp"
#include "dropline/contracts/stock_events.hpp"
#include "dropline/contracts/stock_levels.hpp"
#include "dropline/store/table.hpp"

namespace dropline::audit {
namespace {

using namespace contracts;  // NOLINT: messages are what this file compares
using store::Type;

constexpr std::string_view kNone = "(none)";

/// Rows in the words that told() builds of messages: key, version, text.
struct StateTable {
  std::string_view name;
  std::string_view sql;
};
constexpr StateTable kOffers{"stock.offers", R"(
SELECT CASE WHEN CAST(drop_id AS text) = '00000000-0000-0000-0000-000000000000' THEN '-'
    ELSE CAST(drop_id AS text) END || '/' || sku, version,
  'product ' || CAST(product AS text) || ', price ' || CAST(price AS text) || ' ' || currency ||
  ', limit ' || COALESCE(CAST(member_limit AS text), '(none)') || ', supplied ' ||
  CAST(supplied AS text) || ', free ' || CAST(free AS text) || ', allocated ' ||
  CAST(allocated AS text) || ', settled ' || CAST(settled AS text) || ', written off ' ||
  CAST(written_off AS text) || CASE WHEN withdrawn THEN ', withdrawn' ELSE '' END || ', place ' ||
  CAST(place_partition AS text) || '@' || CAST(place_offset AS text) || ', at ' || CAST(at AS text)
FROM {stock.offers})"};
constexpr StateTable kDrops{"stock.drops", R"(
SELECT CAST(drop_id AS text), version,
  'revision ' || CAST(revision AS text) || ', ' || standing || ', opens ' ||
  CAST(opens_at AS text) || ', closes ' || CAST(closes_at AS text) || ', limit ' ||
  COALESCE(CAST(limit_per_member AS text), '(none)') || ', ' || CAST(lists AS text) || ', place ' ||
  CAST(place_partition AS text) || '@' || CAST(place_offset AS text) || ', at ' || CAST(at AS text)
FROM {stock.drops})"};
constexpr StateTable kProducts{"catalog.products", R"(
SELECT CAST(product_id AS text), version,
  'shard ' || CAST(shard AS text) || ', ' || CAST(state AS text) FROM {catalog.products})"};
constexpr StateTable kListings{"catalog.drops", R"(
SELECT CAST(drop_id AS text), version,
  'shard ' || CAST(shard AS text) || ', opens ' || CAST(opens_at AS text) || ', closes ' ||
  CAST(closes_at AS text) || ', ' || CAST(listing AS text) FROM {catalog.drops})"};

constexpr StateTable kSnapshots{"rankings.snapshots", R"(
SELECT window_name, version, 'until ' || CAST(until_hour AS text) || ', ' || body
FROM {rankings.snapshots})"};

std::string number(const std::optional<std::int64_t>& value) {
  return value ? std::to_string(*value) : std::string(kNone);
}
std::string placed(const LogPlace& place, Timestamp at) {
  return ", place " + std::to_string(place.partition) + '@' + std::to_string(place.offset) +
         ", at " + std::to_string(unix_us(at));
}

std::string told(const OfferLevel& level) {
  return "product " + level.product.text() + ", price " + std::to_string(level.price.minor) + ' ' +
         std::string(level.price.currency.text()) + ", limit " + number(level.limit) +
         ", supplied " + std::to_string(level.supplied) + ", free " + std::to_string(level.free) +
         ", allocated " + std::to_string(level.allocated) + ", settled " +
         std::to_string(level.settled) + ", written off " + std::to_string(level.written_off) +
         (level.withdrawn.value_or(false) ? ", withdrawn" : "") + placed(level.place, level.at);
}

/// As a row of stock.drops keeps both.
struct Lists {
  std::vector<ProductLimit> product_limits;
  std::vector<Sku> skus;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("product_limits", self.product_limits, Bounds{0, kMaxOffers});
    visit("skus", self.skus, Bounds{0, kMaxOffers});
  }
};

std::string told(const DropLevel& level) {
  return "revision " + std::to_string(level.revision) + ", " + std::string(to_text(level.state)) +
         ", opens " + std::to_string(unix_us(level.opens_at)) + ", closes " +
         std::to_string(unix_us(level.closes_at)) + ", limit " + number(level.limit_per_member) +
         ", " +
         encode(Lists{level.product_limits.value_or(std::vector<ProductLimit>()), level.skus}) +
         placed(level.place, level.at);
}

std::string told(const DropListing& listing, std::int32_t shard, std::string_view body) {
  return "shard " + std::to_string(shard) + ", opens " +
         std::to_string(unix_us(listing.terms.opens_at)) + ", closes " +
         std::to_string(unix_us(listing.terms.closes_at)) + ", " + std::string(body);
}

/// The change that a message of stock answers; absent where it answers none.
std::optional<ChangeId> answered(const Envelope& envelope) {
  std::optional<ChangeId> change;
  const auto look = [&]<class T>(T*) {
    if (envelope.type != T::kType) return;
    if (const auto message = decode<T>(envelope)) change = message->change;
  };
  look(static_cast<DropOpened*>(nullptr));
  look(static_cast<DropPaused*>(nullptr));
  look(static_cast<DropResumed*>(nullptr));
  look(static_cast<DropEnded*>(nullptr));
  look(static_cast<OfferPut*>(nullptr));
  look(static_cast<StockRestocked*>(nullptr));
  look(static_cast<StockCorrected*>(nullptr));
  look(static_cast<DropChangeRefused*>(nullptr));
  return change;
}

template <class T>
std::string answer_key(const T& answer) {
  return answer.change.text() + " subject=" +
         (answer.drop      ? answer.drop->text()
          : answer.product ? answer.product->text()
                           : "");
}

}  // namespace

void StateChecks::announce_states(Outcomes& out) {
  out.announce("state_differs", "rows are what was told of them in that version", Reach::always);
  out.announce("state_untold", "what is in force was told", Reach::at_rest);
}

void StateChecks::announce(Outcomes& out) {
  announce_states(out);
  out.announce("change_forgotten", "every change that was answered is remembered as answered",
               Reach::always);
  out.announce("change_unanswered", "every change that is remembered was answered", Reach::at_rest);
}

void ToldStates::keep(States& states, std::string key, Told told) {
  auto& known = states[std::move(key)];
  if (told.version > known.version) known = std::move(told);
}

void ToldStates::take(const stream::Record& record, const Envelope& envelope) {
  const auto where = std::string(record.topic) + '/' + std::to_string(record.partition) + '@' +
                     std::to_string(record.offset);
  const std::string key(record.key.value_or(""));
  if (envelope.type == OfferLevel::kType) {
    if (const auto level = decode<OfferLevel>(envelope))
      keep(offers_, (level->drop ? level->drop->text() : "-") + '/' + level->sku.text(),
           {level->version, told(*level), where});
  } else if (envelope.type == DropLevel::kType) {
    if (const auto level = decode<DropLevel>(envelope))
      keep(drops_, level->drop.text(), {level->version, told(*level), where});
  } else if (envelope.type == ProductState::kType) {
    if (const auto state = decode<ProductState>(envelope))
      keep(
          products_, state->product.text(),
          {state->version,
           "shard " + std::to_string(record.partition) + ", " + std::string(envelope.body), where});
  } else if (envelope.type == DropListing::kType) {
    if (const auto listing = decode<DropListing>(envelope))
      keep(listings_, listing->drop.text(),
           {listing->version, told(*listing, record.partition, envelope.body), where});
  } else if (envelope.type == RankingSnapshot::kType) {
    if (const auto snapshot = decode<RankingSnapshot>(envelope))
      keep(snapshots_, snapshot->partition_key(),
           {snapshot->version,
            "until " +
                std::to_string(
                    std::chrono::floor<std::chrono::hours>(snapshot->until.time_since_epoch())
                        .count()) +
                ", " + std::string(envelope.body),
            where});
  } else if (envelope.type == CatalogChanged::kType) {
    if (const auto answer = decode<CatalogChanged>(envelope))
      catalog_changes_.emplace(answer_key(*answer), "made " + std::string(envelope.body));
  } else if (envelope.type == CatalogChangeRefused::kType) {
    if (const auto answer = decode<CatalogChangeRefused>(envelope))
      catalog_changes_.emplace(answer_key(*answer), "refused " + std::string(envelope.body));
  } else if (const auto change = answered(envelope)) {
    stock_changes_.emplace(change->text(), "answered");
  }
}

Status StateChecks::compare(store::Session& session, std::string_view table, std::string_view sql,
                            ToldStates::States states) {
  auto rows = store::query(session, {"audit states", "stock", sql}, {},
                           {Type::text, Type::int64, Type::text});
  if (!rows) return rows.error();
  for (const auto row : *rows) {
    const std::string key(row.text(0));
    const auto where = std::string(table) + " key=" + key;
    const auto found = states.find(key);
    const auto version = row.int64(1);
    if (found == states.end() || version > found->second.version) {
      out_.add("state_untold", where, "version " + std::to_string(version) + " was never told");
    } else if (version < found->second.version || row.text(2) != found->second.text) {
      out_.add("state_differs", where,
               "version " + std::to_string(version) + ": " + std::string(row.text(2)) + "; " +
                   found->second.where + " told version " + std::to_string(found->second.version) +
                   ": " + found->second.text);
    }
    if (found != states.end()) states.erase(found);
  }
  for (const auto& [key, state] : states)
    out_.add(
        "state_differs", std::string(table) + " key=" + key,
        "there is no row, but " + state.where + " told version " + std::to_string(state.version));
  return {};
}

Status StateChecks::compare_changes(store::Session& session, std::string_view table,
                                    std::string_view sql,
                                    std::map<std::string, std::string> answers) {
  auto rows = store::query(session, {"audit changes", "stock", sql}, {}, {Type::text, Type::text});
  if (!rows) return rows.error();
  for (const auto row : *rows) {
    const std::string key(row.text(0));
    const auto found = answers.find(key);
    if (found == answers.end())
      out_.add("change_unanswered", std::string(table) + " change=" + key, "was never answered");
    else if (found->second != row.text(1))
      out_.add("change_forgotten", std::string(table) + " change=" + key,
               std::string(row.text(1)) + "; the answer was " + found->second);
    if (found != answers.end()) answers.erase(found);
  }
  for (const auto& [key, answer] : answers)
    out_.add("change_forgotten", std::string(table) + " change=" + key,
             "there is no row; the answer was " + answer);
  return {};
}

Status StateChecks::compare_states(store::Session& session) {
  const std::pair<const StateTable*, const ToldStates::States*> tables[] = {
      {&kOffers, &told_.offers()},
      {&kDrops, &told_.drops()},
      {&kProducts, &told_.products()},
      {&kListings, &told_.listings()},
      {&kSnapshots, &told_.snapshots()}};
  for (const auto& [table, states] : tables)
    if (auto done = compare(session, table->name, table->sql, *states); !done) return done;
  return {};
}

Status StateChecks::finish(store::Session& session) {
  if (auto done = compare_states(session); !done) return done;
  if (auto done = compare_changes(session, "stock.changes",
                                  "SELECT CAST(change_id AS text), 'answered' FROM {stock.changes}",
                                  told_.stock_changes());
      !done)
    return done;
  return compare_changes(session, "catalog.changes",
                         "SELECT CAST(change_id AS text) || ' subject=' || CAST(subject AS text), "
                         "CASE made WHEN TRUE THEN 'made ' WHEN FALSE THEN 'refused ' "
                         "ELSE 'neither ' END || CAST(answer AS text) "
                         "FROM {catalog.changes}",
                         told_.catalog_changes());
}

}  // namespace dropline::audit
