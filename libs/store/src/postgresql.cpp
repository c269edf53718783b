#include "postgresql.hpp"

#include <endian.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <optional>

#include "dropline/store/table.hpp"

namespace dropline::store::postgresql {
namespace {

// Of PostgreSQL's catalog; they never change.
constexpr Oid kBool = 16, kBytea = 17, kName = 19, kInt8 = 20, kInt2 = 21, kInt4 = 23, kText = 25,
              kJson = 114, kBpchar = 1042, kVarchar = 1043, kNumeric = 1700, kUuid = 2950,
              kJsonb = 3802;
constexpr Oid kBoolArray = 1000, kByteaArray = 1001, kTextArray = 1009, kInt8Array = 1016,
              kJsonArray = 199, kUuidArray = 2951;

void put32(std::string& out, std::uint32_t value) {
  value = htobe32(value);
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void put64(std::string& out, std::uint64_t value) {
  value = htobe64(value);
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
T take(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  if constexpr (sizeof value == 2)
    return static_cast<T>(be16toh(static_cast<std::uint16_t>(value)));
  if constexpr (sizeof value == 4)
    return static_cast<T>(be32toh(static_cast<std::uint32_t>(value)));
  return static_cast<T>(be64toh(static_cast<std::uint64_t>(value)));
}

/// numeric, as sum(bigint) gives it: base 10,000 digits, the first weighing 10,000^weight.
bool integer_of_numeric(std::string_view bytes, std::int64_t& value) {
  if (bytes.size() < 8) return false;
  const auto digits = take<std::int16_t>(bytes.data());
  const auto weight = take<std::int16_t>(bytes.data() + 2);
  const auto sign = take<std::uint16_t>(bytes.data() + 4);
  if ((sign != 0 && sign != 0x4000) || weight > 4 || digits < 0 || digits > weight + 1)
    return false;
  if (bytes.size() < 8 + 2 * static_cast<std::size_t>(digits)) return false;
  // Summed up below zero, where int64 reaches one further.
  std::int64_t sum = 0;
  for (int i = 0; i <= weight; ++i) {
    const std::int64_t digit =
        i < digits ? take<std::int16_t>(bytes.data() + 8 + 2 * static_cast<std::ptrdiff_t>(i)) : 0;
    if (__builtin_mul_overflow(sum, 10'000, &sum)) return false;
    if (__builtin_sub_overflow(sum, digit, &sum)) return false;
  }
  if (sign == 0 && __builtin_sub_overflow(0, sum, &sum)) return false;
  value = sum;
  return true;
}

bool put_integer(Oid oid, std::string_view bytes, Cells& rows) {
  std::int64_t value = 0;
  switch (oid) {
    case kInt8:
      value = take<std::int64_t>(bytes.data());
      break;
    case kInt4:
      value = take<std::int32_t>(bytes.data());
      break;
    case kInt2:
      value = take<std::int16_t>(bytes.data());
      break;
    default:
      if (!integer_of_numeric(bytes, value)) return false;
  }
  rows.put_int64(value);
  return true;
}

bool converts(Oid oid, Type type) {
  switch (type) {
    case Type::int64:
      return oid == kInt8 || oid == kInt4 || oid == kInt2 || oid == kNumeric;
    case Type::boolean:
      return oid == kBool;
    case Type::uuid:
      return oid == kUuid;
    case Type::bytes:
      return oid == kBytea;
    case Type::text:
      return oid == kText || oid == kVarchar || oid == kBpchar || oid == kName || oid == kJson;
    case Type::json:
      return oid == kJson || oid == kJsonb || oid == kText;
  }
  return false;
}

bool put_cell(Oid oid, Type type, std::string_view bytes, Cells& rows) {
  switch (type) {
    case Type::int64:
      return put_integer(oid, bytes, rows);
    case Type::boolean:
      rows.put_boolean(bytes[0] != 0);
      return true;
    case Type::uuid: {
      Uuid uuid;
      std::memcpy(uuid.bytes.data(), bytes.data(), uuid.bytes.size());
      rows.put_uuid(uuid);
      return true;
    }
    default:
      if (oid == kJsonb) bytes.remove_prefix(1);  // its format's version
      rows.put_bytes(bytes);
      return true;
  }
}

bool succeeded(const PGresult* result) {
  const auto status = PQresultStatus(result);
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

/// When to give up on an answer: the server ends statements at their limit by itself, and has that
/// much more to say so. Without this, a server that hangs (its process stopped, its disk gone)
/// while its kernel still answers for it would be waited for without end.
std::optional<std::chrono::steady_clock::time_point> answer_deadline(const Session::State& state) {
  if (state.options.statement_limit.count() == 0 || state.unhurried) return std::nullopt;
  return std::chrono::steady_clock::now() + state.options.statement_limit + kSilenceLimit;
}

/// Waits until a result can be had without waiting. False: the connection is of no use any more.
bool await_result(Session::State& state,
                  std::optional<std::chrono::steady_clock::time_point> deadline) {
  while (PQisBusy(state.pg) != 0) {
    int wait = -1;
    if (deadline) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(
          *deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0) {
        state.silent = true;
        return false;
      }
      wait = static_cast<int>(std::min<std::chrono::milliseconds::rep>(left.count(), 60'000));
    }
    pollfd socket{PQsocket(state.pg), POLLIN, 0};
    if (poll(&socket, 1, wait) < 0 && errno != EINTR) return false;
    if (socket.revents != 0 && PQconsumeInput(state.pg) == 0) return false;
  }
  return true;
}

/// The last result of what was just sent, or the first that failed.
Answer last_result(Session::State& state, bool sent) {
  if (!sent) return nullptr;
  const auto deadline = answer_deadline(state);
  Answer last;
  while (await_result(state, deadline)) {
    Answer next(PQgetResult(state.pg));
    if (next == nullptr) return last;
    if (last == nullptr || succeeded(last.get())) last = std::move(next);
  }
  return last != nullptr && !succeeded(last.get()) ? std::move(last) : nullptr;
}

}  // namespace

Answer send(Session::State& state, const char* sql) {
  return last_result(state, PQsendQuery(state.pg, sql) == 1);
}

Oid oid_of(Type type) noexcept {
  switch (type) {
    case Type::uuid:
      return kUuid;
    case Type::text:
      return kText;
    case Type::int64:
      return kInt8;
    case Type::boolean:
      return kBool;
    case Type::bytes:
      return kBytea;
    case Type::json:
      return kJson;
  }
  return 0;
}

Oid array_oid_of(Type type) noexcept {
  switch (type) {
    case Type::uuid:
      return kUuidArray;
    case Type::text:
      return kTextArray;
    case Type::int64:
      return kInt8Array;
    case Type::boolean:
      return kBoolArray;
    case Type::bytes:
      return kByteaArray;
    case Type::json:
      return kJsonArray;
  }
  return 0;
}

std::string_view sql_type(Type type) noexcept {
  switch (type) {
    case Type::uuid:
      return "uuid";
    case Type::text:
      return "text";
    case Type::int64:
      return "bigint";
    case Type::boolean:
      return "boolean";
    case Type::bytes:
      return "bytea";
    case Type::json:
      return "json";
  }
  return "";
}

bool encode_cell(const Cells& cells, std::size_t row, std::size_t column, std::string& out) {
  if (cells.is_null(row, column)) return false;
  switch (cells.type(column)) {
    case Type::int64:
      put64(out, static_cast<std::uint64_t>(cells.int64(row, column)));
      break;
    case Type::boolean:
      out += cells.boolean(row, column) ? '\1' : '\0';
      break;
    default:
      out += cells.raw(row, column);
  }
  return true;
}

void encode_array(const Cells& cells, std::size_t column, std::span<const std::uint32_t> rows,
                  std::string& out) {
  static constexpr std::uint32_t kNullLength = 0xFFFFFFFF;
  out.clear();
  put32(out, rows.empty() ? 0 : 1);  // dimensions
  put32(out, 0);                     // has nulls: set below
  put32(out, oid_of(cells.type(column)));
  if (!rows.empty()) {
    put32(out, static_cast<std::uint32_t>(rows.size()));
    put32(out, 1);  // the first index
  }
  for (const std::uint32_t row : rows) {
    const std::size_t start = out.size();
    put32(out, kNullLength);
    if (!encode_cell(cells, row, column, out)) {
      out[7] = 1;
      continue;
    }
    const std::uint32_t length = htobe32(static_cast<std::uint32_t>(out.size() - start - 4));
    std::memcpy(out.data() + start, &length, sizeof length);
  }
}

Status execute(Session::State& state, std::string_view name, std::string_view sql, Phase phase) {
  const Answer answer = send(state, std::string(sql).c_str());
  if (answer != nullptr && succeeded(answer.get()) && PQstatus(state.pg) == CONNECTION_OK)
    return {};
  return state.failed(postgresql_error(state, name, answer.get(), phase));
}

Status prepare(Session::State& state, std::string_view name, const std::string& sql,
               std::span<const Oid> types, Prepared& prepared) {
  prepared.server_name = "dropline_" + std::to_string(++state.statements_named);
  const Answer answer =
      last_result(state, PQsendPrepare(state.pg, prepared.server_name.c_str(), sql.c_str(),
                                       static_cast<int>(types.size()), types.data()) == 1);
  if (answer != nullptr && succeeded(answer.get())) return {};
  return state.failed(postgresql_error(state, name, answer.get(), Phase::read));
}

Result<Answer> run(Session::State& state, std::string_view name, const Prepared& prepared,
                   std::span<const std::string* const> params, Phase phase) {
  std::vector<const char*> values(params.size());
  std::vector<int> lengths(params.size());
  const std::vector<int> formats(params.size(), 1);
  for (std::size_t i = 0; i < params.size(); ++i) {
    if (params[i] == nullptr) continue;
    values[i] = params[i]->data();
    lengths[i] = static_cast<int>(params[i]->size());
  }
  Answer answer =
      last_result(state, PQsendQueryPrepared(state.pg, prepared.server_name.c_str(),
                                             static_cast<int>(params.size()), values.data(),
                                             lengths.data(), formats.data(), 1) == 1);
  if (answer != nullptr && succeeded(answer.get())) return answer;
  return state.failed(postgresql_error(state, name, answer.get(), phase));
}

Status read(Session::State& state, std::string_view name, const PGresult* answer, Cells& rows) {
  const int count = PQntuples(answer);
  const auto columns = static_cast<std::size_t>(PQnfields(answer));
  const auto bad = [&](Errc code, std::size_t column, std::string_view what) {
    std::string text = "column " + std::to_string(column + 1);
    if (column < columns)
      text.append(" (").append(PQfname(answer, static_cast<int>(column))) += ')';
    return state.failed(state.make(code, name, text.append(" ").append(what)));
  };
  if (columns != rows.columns()) {
    return state.failed(state.make(Errc::bad_statement, name,
                                   "it answers " + std::to_string(columns) + " columns, not " +
                                       std::to_string(rows.columns())));
  }
  if (static_cast<std::size_t>(count) + rows.rows() > kMaxRowsAResult) {
    return state.failed(state.make(Errc::too_many_rows, name,
                                   "more than " + std::to_string(kMaxRowsAResult) + " rows"));
  }
  for (std::size_t column = 0; column < columns; ++column) {
    if (converts(PQftype(answer, static_cast<int>(column)), rows.type(column))) continue;
    return bad(Errc::bad_statement, column,
               "is of type " + std::to_string(PQftype(answer, static_cast<int>(column))) +
                   " (pg_type), which is not read as " + std::string(type_name(rows.type(column))) +
                   ": CAST it");
  }
  rows.reserve(rows.rows() + static_cast<std::size_t>(count));
  for (int row = 0; row < count; ++row) {
    for (std::size_t column = 0; column < columns; ++column) {
      const int at = static_cast<int>(column);
      if (PQgetisnull(answer, row, at) != 0) {
        rows.put_null();
        continue;
      }
      const std::string_view bytes(PQgetvalue(answer, row, at),
                                   static_cast<std::size_t>(PQgetlength(answer, row, at)));
      if (!put_cell(PQftype(answer, at), rows.type(column), bytes, rows)) {
        return bad(Errc::bad_value, column, "holds a number that is no int64");
      }
    }
  }
  return {};
}

std::size_t changed(const PGresult* answer) noexcept {
  const std::string_view text = PQcmdTuples(const_cast<PGresult*>(answer));
  std::size_t count = 0;
  std::from_chars(text.data(), text.data() + text.size(), count);
  return count;
}

Result<Timestamp> now(Session::State& state) {
  static constexpr const char* kSql =
      "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)";
  const Answer answer = last_result(
      state, PQsendQueryParams(state.pg, kSql, 0, nullptr, nullptr, nullptr, nullptr, 1));
  if (answer == nullptr || PQresultStatus(answer.get()) != PGRES_TUPLES_OK) {
    return state.failed(postgresql_error(state, "clock", answer.get(), Phase::read));
  }
  return from_unix_us(take<std::int64_t>(PQgetvalue(answer.get(), 0, 0)));
}

void drop_prepared(Session::State& state) {
  for (const auto& [key, prepared] : state.prepared) {
    const Answer answer = send(state, ("DEALLOCATE " + prepared.server_name).c_str());
  }
  state.prepared.clear();
}

}  // namespace dropline::store::postgresql
