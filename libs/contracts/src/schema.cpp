#include "dropline/contracts/schema.hpp"

namespace dropline::contracts::codec {
namespace {

void type(JsonWriter& out, std::string_view name) {
  out.open_object();
  out.name("type");
  out.plain(name);
}

void pattern(JsonWriter& out, std::string_view expression) {
  out.name("pattern");
  out.text(expression);
}

void bounded(JsonWriter& out, std::string_view low, std::string_view high, Bounds bounds) {
  out.name(low);
  out.number(bounds.min);
  out.name(high);
  out.number(bounds.max);
}

}  // namespace

void schema_number(JsonWriter& out, Bounds bounds) {
  type(out, "integer");
  bounded(out, "minimum", "maximum", bounds);
  out.close_object();
}

void schema_text(JsonWriter& out, Bounds bounds) {
  type(out, "string");
  bounded(out, "minLength", "maxLength", bounds);
  out.close_object();
}

void schema_boolean(JsonWriter& out) {
  type(out, "boolean");
  out.close_object();
}

void schema_uuid(JsonWriter& out) {
  type(out, "string");
  out.name("format");
  out.plain("uuid");
  pattern(out, "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$");
  out.close_object();
}

void schema_sku(JsonWriter& out) {
  type(out, "string");
  pattern(out, "^[A-Za-z0-9._-]{1,64}$");
  out.close_object();
}

void schema_money(JsonWriter& out, Bounds bounds) {
  type(out, "object");
  out.name("properties");
  out.open_object();
  out.name("amount");
  schema_number(out, bounds);
  out.name("currency");
  type(out, "string");
  pattern(out, "^[A-Z]{3}$");
  out.close_object();
  out.close_object();
  schema_object_end(out, {"amount", "currency"});
}

void schema_time(JsonWriter& out) {
  type(out, "string");
  out.name("format");
  out.plain("date-time");
  out.close_object();
}

void schema_digest(JsonWriter& out) {
  type(out, "string");
  pattern(out, "^[0-9a-f]{64}$");
  out.close_object();
}

void schema_name(JsonWriter& out, const std::string_view* names, std::size_t count) {
  type(out, "string");
  out.name("enum");
  out.open_array();
  for (std::size_t i = 0; i < count; ++i)
    out.plain(names[i]);
  out.close_array();
  out.close_object();
}

void schema_list_begin(JsonWriter& out, Bounds bounds) {
  type(out, "array");
  bounded(out, "minItems", "maxItems", bounds);
  out.name("items");
}

void schema_object_end(JsonWriter& out, const std::vector<std::string_view>& required) {
  if (!required.empty()) {
    out.name("required");
    out.open_array();
    for (const auto name : required)
      out.plain(name);
    out.close_array();
  }
  out.name("unevaluatedProperties");
  out.boolean(false);
  out.close_object();
}

}  // namespace dropline::contracts::codec
