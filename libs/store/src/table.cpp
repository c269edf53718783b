#include "dropline/store/table.hpp"

#include <algorithm>

#include "dropline/base/ensure.hpp"
#include "dropline/store/migrations.hpp"
#include "dropline/store/transaction.hpp"
#include "postgresql.hpp"
#include "rows_in_order.hpp"
#include "session_state.hpp"
#include "sqlite.hpp"
#include "table_sql.hpp"

namespace dropline::store {
namespace {

using Order = std::span<const std::uint32_t>;

/// "upsert stock.orders": what errors call it.
std::string short_name(Verb verb, const Table& table) {
  return std::string(verb_name(verb)) + ' ' + std::string(table.service) + '.' +
         std::string(table.name);
}

/// The statement kept for a verb, a table and the columns looked for.
Result<const Prepared*> keep(Session::State& state, const std::string& name, Verb verb,
                             const Table& table, const RowBuffer& rows) {
  std::string key = name;
  for (const std::size_t column : rows.columns()) {
    key.append(" ").append(table.columns[column].name);
    key += static_cast<char>('0' + static_cast<int>(table.columns[column].type));
  }
  if (verb == Verb::load || verb == Verb::load_locked) {
    for (const Column& column : table.columns)
      key.append(",").append(column.name);
  }
  key.append("/").append(std::to_string(table.key));
  if (const auto found = state.prepared.find(key); found != state.prepared.end()) {
    return &found->second;
  }
  if (state.prepared.size() >= kMaxPreparedStatements) drop_prepared(state);
  Prepared prepared;
  prepared.reads = verb == Verb::load;
  const std::string sql = table_sql(state.dialect, verb, table, rows.columns());
  Status status;
  if (state.dialect == Dialect::postgresql) {
    std::vector<Oid> types;
    for (const Type type : rows.cells().types())
      types.push_back(postgresql::array_oid_of(type));
    status = postgresql::prepare(state, name, sql, types, prepared);
  } else {
    status = sqlite::prepare(state, name, sql, prepared);
  }
  if (status.has_error()) return status.error();
  return &state.prepared.emplace(std::move(key), std::move(prepared)).first->second;
}

/// One statement on PostgreSQL: a binary array a column.
Result<std::size_t> run_postgresql(Session::State& state, std::string_view name,
                                   const Prepared& prepared, const Cells& cells, Order part,
                                   Cells* answer) {
  const std::size_t columns = cells.columns();
  if (state.scratch.size() < columns) state.scratch.resize(columns);
  std::vector<const std::string*> params(columns);
  for (std::size_t column = 0; column < columns; ++column) {
    postgresql::encode_array(cells, column, part, state.scratch[column]);
    params[column] = &state.scratch[column];
  }
  const Phase phase = prepared.reads ? Phase::read : Phase::write;
  auto result = postgresql::run(state, name, prepared, params, phase);
  if (result.has_error()) return result.error();
  if (answer != nullptr) {
    if (auto status = postgresql::read(state, name, result->get(), *answer); status.has_error()) {
      return status.error();
    }
  }
  return postgresql::changed(result->get());
}

/// The same on SQLite: the statement kept, bound and run for each row.
Result<std::size_t> run_sqlite(Session::State& state, std::string_view name,
                               const Prepared& prepared, const Cells& cells, Order part,
                               Cells* answer) {
  std::string uuids(cells.columns() * Uuid::kTextLength, '\0');
  const auto changes_before = sqlite_api::sqlite3_total_changes64(state.sqlite);
  for (const std::uint32_t row : part) {
    sqlite::Use use(state, name, prepared);
    for (std::size_t column = 0; column < cells.columns(); ++column) {
      use.bind(static_cast<int>(column) + 1, cells, row, column,
               uuids.data() + column * Uuid::kTextLength);
    }
    if (auto status = use.run(answer, Phase::write); status.has_error()) return status.error();
  }
  const auto changes = sqlite_api::sqlite3_total_changes64(state.sqlite) - changes_before;
  return static_cast<std::size_t>(changes);
}

Result<std::size_t> run_parts(Session& session, const std::string& name, Verb verb,
                              const Table& table, const RowBuffer& rows, Order order,
                              Cells* answer) {
  Session::State& state = session.state();
  const auto prepared = keep(state, name, verb, table, rows);
  if (prepared.has_error()) return prepared.error();
  std::size_t count = 0;
  while (!order.empty()) {
    const Order part = next_part(rows.cells(), order);
    const auto done = state.dialect == Dialect::postgresql
                          ? run_postgresql(state, name, **prepared, rows.cells(), part, answer)
                          : run_sqlite(state, name, **prepared, rows.cells(), part, answer);
    if (done.has_error()) return done.error();
    count += *done;
    order = order.subspan(part.size());
  }
  return count;
}

/// Locks the rows in key order, then removes them.
Result<std::size_t> erase_parts(Session& session, const std::string& name, const Table& table,
                                const RowBuffer& keys, Order order) {
  if (session.dialect() == Dialect::postgresql) {
    Cells ignored({Type::int64});
    const auto locked =
        run_parts(session, short_name(Verb::lock, table), Verb::lock, table, keys, order, &ignored);
    if (locked.has_error()) return locked.error();
  }
  return run_parts(session, name, Verb::erase, table, keys, order, nullptr);
}

/// Does a call without a transaction around it need one of its own, to be whole?
bool needs_transaction(const Session& session, Verb verb, const RowBuffer& rows, Order order) {
  if (session.in_transaction()) return false;
  if (verb == Verb::erase && session.dialect() == Dialect::postgresql) return true;
  if (session.dialect() == Dialect::sqlite) return order.size() > 1;
  return next_part(rows.cells(), order).size() < order.size();
}

Result<std::size_t> write(Session& session, Verb verb, const Table& table, const RowBuffer& rows,
                          std::size_t key, Twice twice) {
  if (rows.empty()) return std::size_t{0};
  Session::State& state = session.state();
  const std::string name = short_name(verb, table);
  if (auto status = state.before(Seam::statement, name); status.has_error()) return status.error();
  const auto order = rows_in_order(state, name, table, rows, key, twice);
  if (order.has_error()) return order.error();
  const auto run = [&] {
    return verb == Verb::erase ? erase_parts(session, name, table, rows, *order)
                               : run_parts(session, name, verb, table, rows, *order, nullptr);
  };
  if (!needs_transaction(session, verb, rows, *order)) return run();
  auto transaction = Transaction::begin(session);
  if (transaction.has_error()) return transaction.error();
  const auto count = run();
  if (count.has_error()) return count.error();
  if (auto status = transaction->commit(); status.has_error()) return status.error();
  return *count;
}

void ensure_whole_rows(const Table& table, const RowBuffer& rows) {
  ensure(rows.columns().size() == table.columns.size(), "rows of this table, with all columns");
}

/// Are the columns looked for the first of the primary key? Then the answer comes in key order.
bool is_key_prefix(const Table& table, std::span<const std::size_t> columns) {
  if (columns.size() > table.key) return false;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i] != i) return false;
  }
  return true;
}

std::vector<Type> types_of(const Table& table) {
  std::vector<Type> types;
  for (const Column& column : table.columns)
    types.push_back(column.type);
  return types;
}

/// Reads outside a transaction as of one moment, where a call is several statements.
class ReadMoment final {
 public:
  explicit ReadMoment(Session::State& state, bool wanted) : state_(state), wanted_(wanted) {}
  ReadMoment(const ReadMoment&) = delete;
  ReadMoment& operator=(const ReadMoment&) = delete;
  ~ReadMoment() {
    if (begun_) (void)sqlite::execute(state_, "read", "COMMIT", Phase::read);
  }
  Status begin() {
    if (!wanted_) return {};
    Status status = sqlite::execute(state_, "read", "BEGIN", Phase::read);
    begun_ = status.has_value();
    return status;
  }

 private:
  Session::State& state_;
  bool wanted_;
  bool begun_ = false;
};

std::vector<std::uint32_t> in_key_order(const Cells& cells, std::size_t key) {
  std::vector<std::uint32_t> order(cells.rows());
  for (std::uint32_t row = 0; row < order.size(); ++row)
    order[row] = row;
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    for (std::size_t column = 0; column < key; ++column) {
      const auto compared = cells.compare(a, column, cells, b, column);
      if (compared != std::strong_ordering::equal) return compared < 0;
    }
    return false;
  });
  return order;
}

Result<Rows> load_once(Session& session, Verb verb, const Table& table, const RowBuffer& keys) {
  Session::State& state = session.state();
  const std::string name = short_name(verb, table);
  if (auto status = state.before(Seam::statement, name); status.has_error()) return status.error();
  const auto order =
      rows_in_order(state, name, table, keys, keys.columns().size(), Twice::keep_first);
  if (order.has_error()) return order.error();
  ReadMoment moment(state, state.dialect == Dialect::sqlite && !state.in_transaction);
  if (auto status = moment.begin(); status.has_error()) return status.error();
  Cells answer(types_of(table));
  const auto done = run_parts(session, name, verb, table, keys, *order, &answer);
  if (done.has_error()) return done.error();
  if (is_key_prefix(table, keys.columns())) return Rows(std::move(answer));
  return Rows(answer.picked(in_key_order(answer, table.key)));
}

/// Locks by primary key what was found by other columns, since locks are taken in that order only,
/// and leaves out what changed in between.
Result<Rows> load_then_lock(Session& session, const Table& table, const RowBuffer& keys) {
  const auto found = load_once(session, Verb::load, table, keys);
  if (found.has_error() || found->empty()) return found;
  RowBuffer primary = RowBuffer::keys(table);
  for (const auto row : *found) {
    for (std::size_t column = 0; column < table.key; ++column) {
      switch (table.columns[column].type) {
        case Type::uuid:
          primary.add(row.uuid(column));
          break;
        case Type::int64:
          primary.add(row.int64(column));
          break;
        case Type::boolean:
          primary.add(row.boolean(column));
          break;
        default:
          primary.add(row.text(column));
      }
    }
  }
  auto locked = load_once(session, Verb::load_locked, table, primary);
  if (locked.has_error()) return locked;
  const Cells& wanted = keys.cells();
  const Cells& cells = locked->cells();
  const auto sorted = in_key_order(wanted, wanted.columns());
  std::vector<std::uint32_t> kept;
  for (std::uint32_t row = 0; row < cells.rows(); ++row) {
    const auto compare = [&](std::uint32_t key) {
      for (std::size_t i = 0; i < wanted.columns(); ++i) {
        const auto order = wanted.compare(key, i, cells, row, keys.columns()[i]);
        if (order != std::strong_ordering::equal) return order;
      }
      return std::strong_ordering::equal;
    };
    const auto at = std::partition_point(sorted.begin(), sorted.end(),
                                         [&](std::uint32_t key) { return compare(key) < 0; });
    if (at != sorted.end() && compare(*at) == 0) kept.push_back(row);
  }
  return Rows(cells.picked(kept));
}

}  // namespace

void drop_prepared(Session::State& state) {
  if (state.dialect == Dialect::postgresql) {
    postgresql::drop_prepared(state);
  } else {
    state.prepared.clear();
  }
}

Result<std::size_t> insert(Session& session, const Table& table, const RowBuffer& rows,
                           OnConflict on_conflict) {
  ensure_whole_rows(table, rows);
  const bool fail = on_conflict == OnConflict::fail;
  return write(session, fail ? Verb::insert : Verb::insert_new, table, rows, table.key,
               fail ? Twice::refuse : Twice::keep_first);
}

Status upsert(Session& session, const Table& table, const RowBuffer& rows) {
  ensure_whole_rows(table, rows);
  const auto done = write(session, Verb::upsert, table, rows, table.key, Twice::refuse);
  if (done.has_error()) return done.error();
  return {};
}

Status add_to(Session& session, const Table& table, const RowBuffer& rows) {
  ensure_whole_rows(table, rows);
  const auto done = write(session, Verb::add_to, table, rows, table.key, Twice::refuse);
  if (done.has_error()) return done.error();
  return {};
}

Result<Rows> load(Session& session, const Table& table, const RowBuffer& keys, Lock lock) {
  if (keys.empty()) return Rows(Cells(types_of(table)));
  if (lock == Lock::none || session.dialect() == Dialect::sqlite) {
    return load_once(session, Verb::load, table, keys);
  }
  if (is_key_prefix(table, keys.columns())) {
    return load_once(session, Verb::load_locked, table, keys);
  }
  return load_then_lock(session, table, keys);
}

Result<std::size_t> erase(Session& session, const Table& table, const RowBuffer& keys) {
  return write(session, Verb::erase, table, keys, keys.columns().size(), Twice::keep_first);
}

}  // namespace dropline::store
