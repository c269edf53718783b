// Set-based writes and reads through this room beside the same by hand over SOCI, in one run,
// taking turns: one JSON parameter for all rows, and a prepared statement for each row. A
// transaction inserts 1,000 orders and adds what they take to 50 counters. Prints a line of JSON
// for each dialect.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>

#include "dropline/base/clock.hpp"
#include "dropline/base/random.hpp"
#include "dropline/store/migrations.hpp"
#include "dropline/store/soci_session.hpp"
#include "dropline/store/table.hpp"
#include "dropline/store/transaction.hpp"

namespace dropline::store {
namespace {

constexpr std::size_t kRows = 1'000;
constexpr std::size_t kCounters = 50;
constexpr int kRounds = 15;
constexpr int kTransactionsARound = 5;

constexpr Column kOrderColumns[] = {
    {"order_id", Type::uuid}, {"state", Type::text},      {"sku", Type::text},
    {"units", Type::int64},   {"placed_at", Type::int64}, {"lines", Type::json},
};
constexpr Column kCounterColumns[] = {
    {"sku", Type::text}, {"orders", Type::int64}, {"units", Type::int64}};

struct Order {
  Uuid id;
  std::string state = "reserved";
  std::string sku;
  long long units = 0;
  long long placed_at = 0;
  std::string lines;
};

using Counters = std::map<std::string, std::pair<long long, long long>>;

/// Ways to write a batch, each into tables of its own so that all grow alike.
struct Way {
  std::string service;
  std::function<void(const std::vector<Order>&, const Counters&)> write;
  std::function<std::size_t(const std::vector<Uuid>&)> load;
  std::vector<double> writes;  // rows a second, by round
  std::vector<double> loads;
};

template <class T>
auto must(T&& result) {
  if (result.has_error()) {
    std::fprintf(stderr, "bench_store: %s\n", result.error().text().c_str());
    std::exit(1);
  }
  if constexpr (!std::is_same_v<std::decay_t<T>, Status>) return std::move(*result);
}

std::vector<Order> make_orders(Random& random) {
  static std::uint64_t number = 0;
  std::vector<Order> orders(kRows);
  for (Order& order : orders) {
    order.id = random.uuid7(
        from_unix_us(1'767'225'600'000'000 + static_cast<std::int64_t>(++number) * 100));
    order.sku = "SKU-" + std::to_string(random.below(kCounters));
    order.units = 1 + static_cast<long long>(random.below(3));
    order.placed_at = 1'767'225'600'000'000 + static_cast<long long>(number);
    order.lines = R"([{"sku":")" + order.sku + R"(","quantity":)" + std::to_string(order.units) +
                  R"(,"price":{"amount":10000,"currency":"KRW"}}])";
  }
  return orders;
}

Counters count(const std::vector<Order>& orders) {
  Counters counters;
  for (const Order& order : orders) {
    auto& [number, units] = counters[order.sku];
    ++number;
    units += order.units;
  }
  return counters;
}

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

void make_tables(Session& session, const std::string& service) {
  if (session.dialect() == Dialect::postgresql) {
    must(session.execute(
        "schema", "DROP SCHEMA IF EXISTS " + service + " CASCADE; CREATE SCHEMA " + service));
  }
  must(session.execute(
      "tables", must(expand(session.dialect(), service,
                            "CREATE TABLE {orders} (order_id {uuid} NOT NULL PRIMARY KEY, state "
                            "{text} NOT NULL, sku {text} NOT NULL, units {int64} NOT NULL, "
                            "placed_at {int64} NOT NULL, lines {json} NOT NULL) {clustered};"
                            "CREATE TABLE {counters} (sku {text} NOT NULL PRIMARY KEY, orders "
                            "{int64} NOT NULL, units {int64} NOT NULL) {clustered};"))));
}

Way through_the_room(Session& session) {
  Way way{"bench_room", {}, {}, {}, {}};
  way.write = [&session](const std::vector<Order>& orders, const Counters& counters) {
    static const Table kOrders{"bench_room", "orders", kOrderColumns, 1};
    static const Table kCounterTable{"bench_room", "counters", kCounterColumns, 1};
    static RowBuffer rows(kOrders);
    static RowBuffer sums(kCounterTable);
    rows.clear();
    sums.clear();
    for (const Order& order : orders) {
      rows.add(order.id).add(order.state).add(order.sku).add(order.units).add(order.placed_at);
      rows.add(order.lines);
    }
    for (const auto& [sku, sum] : counters)
      sums.add(sku).add(sum.first).add(sum.second);
    auto transaction = must(Transaction::begin(session));
    must(insert(session, kOrders, rows));
    must(add_to(session, kCounterTable, sums));
    must(transaction.commit());
  };
  way.load = [&session](const std::vector<Uuid>& ids) {
    static const Table kOrders{"bench_room", "orders", kOrderColumns, 1};
    RowBuffer keys = RowBuffer::keys(kOrders);
    for (const Uuid& id : ids)
      keys.add(id);
    const Rows rows = must(load(session, kOrders, keys));
    std::size_t sum = 0;
    for (const auto row : rows) {
      sum += row.uuid(0).bytes[15] + row.text(1).size() + row.text(2).size() +
             static_cast<std::size_t>(row.int64(3) + row.int64(4)) + row.text(5).size();
    }
    return sum;
  };
  return way;
}

struct ByHandSql {
  std::string insert;
  std::string add;
  std::string load;
};

ByHandSql json_sql(Dialect dialect) {
  if (dialect == Dialect::postgresql) {
    return {
        "INSERT INTO bench_json.orders SELECT * FROM json_to_recordset(CAST(:rows AS json)) AS "
        "x(order_id uuid, state text, sku text, units bigint, placed_at bigint, lines json)",
        "INSERT INTO bench_json.counters AS t SELECT * FROM json_to_recordset(CAST(:rows AS json)) "
        "AS x(sku text, orders bigint, units bigint) ON CONFLICT (sku) DO UPDATE SET orders = "
        "t.orders + excluded.orders, units = t.units + excluded.units",
        "SELECT order_id, state, sku, units, placed_at, lines FROM bench_json.orders WHERE "
        "order_id "
        "= ANY(CAST(:keys AS uuid[])) ORDER BY order_id"};
  }
  return {
      "INSERT INTO bench_json_orders SELECT value->>0, value->>1, value->>2, value->>3, value->>4, "
      "value->>5 FROM json_each(:rows)",
      "INSERT INTO bench_json_counters AS t SELECT value->>0, value->>1, value->>2 FROM "
      "json_each(:rows) WHERE true ON CONFLICT (sku) DO UPDATE SET orders = t.orders + "
      "excluded.orders, units = t.units + excluded.units",
      "SELECT order_id, state, sku, units, placed_at, lines FROM bench_json_orders WHERE order_id "
      "IN (SELECT value FROM json_each(:keys)) ORDER BY order_id"};
}

std::string orders_json(Dialect dialect, const std::vector<Order>& orders) {
  std::string json = "[";
  for (const Order& order : orders) {
    if (json.size() > 1) json += ',';
    const std::string id = order.id.text();
    const std::string units = std::to_string(order.units);
    const std::string at = std::to_string(order.placed_at);
    if (dialect == Dialect::postgresql) {
      json += "{\"order_id\":\"" + id + "\",\"state\":" + json_text(order.state) +
              ",\"sku\":" + json_text(order.sku) + ",\"units\":" + units + ",\"placed_at\":" + at +
              ",\"lines\":" + order.lines + '}';
    } else {
      json += "[\"" + id + "\"," + json_text(order.state) + ',' + json_text(order.sku) + ',' +
              units + ',' + at + ',' + json_text(order.lines) + ']';
    }
  }
  return json + ']';
}

std::string counters_json(Dialect dialect, const Counters& counters) {
  std::string json = "[";
  for (const auto& [sku, sum] : counters) {
    if (json.size() > 1) json += ',';
    const std::string number = std::to_string(sum.first);
    const std::string units = std::to_string(sum.second);
    json +=
        dialect == Dialect::postgresql
            ? "{\"sku\":" + json_text(sku) + ",\"orders\":" + number + ",\"units\":" + units + '}'
            : '[' + json_text(sku) + ',' + number + ',' + units + ']';
  }
  return json + ']';
}

std::string keys_text(Dialect dialect, const std::vector<Uuid>& ids) {
  const bool postgresql = dialect == Dialect::postgresql;
  std::string text(postgresql ? "{" : "[");
  for (const Uuid& id : ids) {
    if (text.size() > 1) text += ',';
    text += postgresql ? id.text() : '"' + id.text() + '"';
  }
  return text + (postgresql ? '}' : ']');
}

/// One JSON parameter for all rows, statements prepared once.
struct ByJson {
  soci::session& sql;
  Dialect dialect;
  std::string rows;
  std::string sums;
  std::string keys;
  Order order;
  std::string id;
  ByHandSql text = json_sql(dialect);
  soci::statement insert = (sql.prepare << text.insert, soci::use(rows));
  soci::statement add = (sql.prepare << text.add, soci::use(sums));
  soci::statement load = (sql.prepare << text.load, soci::use(keys), soci::into(id),
                          soci::into(order.state), soci::into(order.sku), soci::into(order.units),
                          soci::into(order.placed_at), soci::into(order.lines));
};

Way by_json(std::shared_ptr<ByJson> hand) {
  Way way{"bench_json", {}, {}, {}, {}};
  way.write = [hand](const std::vector<Order>& orders, const Counters& counters) {
    hand->rows = orders_json(hand->dialect, orders);
    hand->sums = counters_json(hand->dialect, counters);
    hand->sql << (hand->dialect == Dialect::sqlite ? "BEGIN IMMEDIATE" : "BEGIN");
    hand->insert.execute(true);
    hand->add.execute(true);
    hand->sql << "COMMIT";
  };
  way.load = [hand](const std::vector<Uuid>& ids) {
    hand->keys = keys_text(hand->dialect, ids);
    std::size_t sum = 0;
    hand->load.execute();
    while (hand->load.fetch()) {
      sum += Uuid::parse(hand->id)->bytes[15] + hand->order.state.size() + hand->order.sku.size() +
             static_cast<std::size_t>(hand->order.units + hand->order.placed_at) +
             hand->order.lines.size();
    }
    return sum;
  };
  return way;
}

/// A statement for each row, prepared once.
struct ByRow {
  soci::session& sql;
  Dialect dialect;
  std::string dot = dialect == Dialect::postgresql ? "." : "_";
  Order order;
  std::string id;
  std::string sku;
  long long number = 0;
  long long units = 0;
  soci::statement insert =
      (sql.prepare << "INSERT INTO bench_row" + dot + "orders VALUES (CAST(:a AS " +
                          (dialect == Dialect::postgresql ? "uuid" : "text") +
                          "), :b, :c, :d, :e, "
                          "CAST(:f AS " +
                          (dialect == Dialect::postgresql ? "json" : "text") + "))",
       soci::use(id), soci::use(order.state), soci::use(order.sku), soci::use(order.units),
       soci::use(order.placed_at), soci::use(order.lines));
  soci::statement add =
      (sql.prepare
           << "INSERT INTO bench_row" + dot +
                  "counters AS t VALUES (:s, :n, :u) ON CONFLICT (sku) DO UPDATE SET orders "
                  "= t.orders + excluded.orders, units = t.units + excluded.units",
       soci::use(sku), soci::use(number), soci::use(units));
};

Way by_row(std::shared_ptr<ByRow> hand) {
  Way way{"bench_row", {}, {}, {}, {}};
  way.write = [hand](const std::vector<Order>& orders, const Counters& counters) {
    hand->sql << (hand->dialect == Dialect::sqlite ? "BEGIN IMMEDIATE" : "BEGIN");
    for (const Order& order : orders) {
      hand->order = order;
      hand->id = order.id.text();
      hand->insert.execute(true);
    }
    for (const auto& [sku, sum] : counters) {
      hand->sku = sku;
      hand->number = sum.first;
      hand->units = sum.second;
      hand->add.execute(true);
    }
    hand->sql << "COMMIT";
  };
  return way;
}

double seconds_of(const std::function<void()>& work) {
  const auto began = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void run_round(Way& way, const std::vector<std::vector<Order>>& batches, Random& random) {
  std::vector<Counters> counters;
  for (const auto& batch : batches)
    counters.push_back(count(batch));
  const double wrote = seconds_of([&] {
    for (std::size_t i = 0; i < batches.size(); ++i)
      way.write(batches[i], counters[i]);
  });
  const double rows = static_cast<double>(batches.size() * kRows);
  way.writes.push_back(rows / wrote);
  if (!way.load) return;
  std::vector<Uuid> ids;
  for (std::size_t i = 0; i < kRows; ++i) {
    ids.push_back(batches[random.below(batches.size())][random.below(kRows)].id);
  }
  std::size_t sum = 0;
  const double loaded = seconds_of([&] {
    for (int i = 0; i < kTransactionsARound; ++i)
      sum += way.load(ids);
  });
  if (sum == 0) std::exit(1);
  way.loads.push_back(rows / loaded);
}

void measure(const Database& database, const char* dialect) {
  Session session = must(database.open());
  for (const char* service : {"bench_room", "bench_json", "bench_row"}) {
    make_tables(session, service);
  }
  // By hand as a user of SOCI would: its session as it comes.
  Session plain = must(database.open());
  std::vector<Way> ways;
  ways.push_back(through_the_room(session));
  ways.push_back(by_json(std::make_shared<ByJson>(plain.soci(), database.dialect())));
  ways.push_back(by_row(std::make_shared<ByRow>(plain.soci(), database.dialect())));
  SeededRandom random(1);
  for (int round = 0; round <= kRounds; ++round) {
    std::vector<std::vector<Order>> batches;
    for (int i = 0; i < kTransactionsARound; ++i)
      batches.push_back(make_orders(random));
    // Whoever begins finds colder caches: they take turns at that as well.
    for (std::size_t i = 0; i < ways.size(); ++i) {
      run_round(ways[(i + static_cast<std::size_t>(round)) % ways.size()], batches, random);
    }
    if (round != 0) continue;
    for (Way& way : ways) {  // the first warms up
      way.writes.clear();
      way.loads.clear();
    }
  }
  const double room = median(ways[0].writes);
  const double json = median(ways[1].writes);
  const double row = median(ways[2].writes);
  const double room_loads = median(ways[0].loads);
  const double hand_loads = median(ways[1].loads);
  std::printf(
      "{\"bench\": \"store\", \"dialect\": \"%s\", "
      "\"write\": {\"rows_per_s\": %.0f, \"by_hand_json_rows_per_s\": %.0f, "
      "\"by_hand_row_by_row_per_s\": %.0f, \"ratio\": %.3f}, "
      "\"load\": {\"rows_per_s\": %.0f, \"by_hand_rows_per_s\": %.0f, \"ratio\": %.3f}}\n",
      dialect, room, json, row, room / std::max(json, row), room_loads, hand_loads,
      room_loads / hand_loads);
  std::fflush(stdout);
  if (database.dialect() == Dialect::postgresql) {
    must(session.execute("clean", "DROP SCHEMA bench_room, bench_json, bench_row CASCADE"));
  }
}

int run() {
  const SystemClock clock;
  const char* url = std::getenv("DROPLINE_TEST_POSTGRESQL");
  if (url == nullptr || *url == '\0') {
    std::fprintf(stderr,
                 "bench_store: DROPLINE_TEST_POSTGRESQL is not set: it is the URL of a "
                 "PostgreSQL, such as the second word of what scripts/postgres start "
                 "prints\n");
    return 2;
  }
  measure(must(Database::parse(url, clock)), "postgresql");
  const auto folder =
      std::filesystem::temp_directory_path() / ("dropline-bench-store-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  measure(must(Database::parse("sqlite:" + (folder / "bench.db").string(), clock)), "sqlite");
  std::filesystem::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace dropline::store

int main() {
  return dropline::store::run();
}
