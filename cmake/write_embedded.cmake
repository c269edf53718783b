# Writes the header and source of dropline_embed(); run at build time.
set(entries "")
foreach(file IN LISTS FILES)
  file(SIZE "${FOLDER}/${file}" size)
  file(READ "${FOLDER}/${file}" text)
  string(FIND "${text}" ")embedded\"" clash)
  if(NOT clash EQUAL -1)
    message(FATAL_ERROR "${file} holds )embedded\" and cannot be carried")
  endif()
  # A literal of its own every 8,000 characters: compilers limit their length.
  set(literals "")
  string(LENGTH "${text}" length)
  set(at 0)
  while(at LESS length)
    string(SUBSTRING "${text}" ${at} 8000 part)
    string(APPEND literals "    R\"embedded(${part})embedded\"\n")
    math(EXPR at "${at} + 8000")
  endwhile()
  if(literals STREQUAL "")
    set(literals "    \"\"\n")
  endif()
  string(APPEND entries "  {\"${file}\",\n${literals}  },\n")
  # A text that CMake or the compiler changed shows in its length: see whole() below.
  string(APPEND sizes "${size},")
endforeach()

set(head "// Written by dropline_embed(); do not edit.\n")
set(type "std::span<const std::pair<std::string_view, std::string_view>>")
set(header "${head}#pragma once\n\n#include <span>\n#include <string_view>\n#include <utility>\n\n\
namespace dropline::embedded {\n\n/// Path and content of each file, in the order given.\n\
[[nodiscard]] ${type} ${NAME}() noexcept;\n\n}  // namespace dropline::embedded\n")
set(source "${head}#include \"${NAME}.hpp\"\n\n#include <cstddef>\n\n\
namespace dropline::embedded {\nnamespace {\n\n\
constexpr std::pair<std::string_view, std::string_view> kFiles[] = {\n${entries}};\n\n\
constexpr std::size_t kSizes[] = {${sizes}};\n\n\
constexpr bool whole() {\n  std::size_t i = 0;\n\
  for (const auto& file : kFiles) {\n    if (file.second.size() != kSizes[i++]) return false;\n\
  }\n\
  return true;\n}\n\
static_assert(whole(), \"a file was changed on its way into the program\");\n\n\
}  // namespace\n\n${type} ${NAME}() noexcept { return kFiles; }\n\n\
}  // namespace dropline::embedded\n")
file(WRITE "${HEADER}" "${header}")
file(WRITE "${SOURCE}" "${source}")
