# dropline_embed(migrations FOLDER ${PROJECT_SOURCE_DIR}/schemas/sql FILES stock/001_orders.sql …)
# makes a library dropline::embedded_migrations that carries text files in the program, and its header
# <dropline/embedded/migrations.hpp> with
#   std::span<const std::pair<std::string_view, std::string_view>>   // path as given, content
#   dropline::embedded::migrations();
# A change of a file rebuilds it. Only text: a NUL cannot be carried this way.
set(DROPLINE_EMBED_SCRIPT "${CMAKE_CURRENT_LIST_DIR}/write_embedded.cmake")

function(dropline_embed name)
  cmake_parse_arguments(EMBED "" "FOLDER" "FILES" ${ARGN})
  if(NOT EMBED_FOLDER OR NOT EMBED_FILES)
    message(FATAL_ERROR "dropline_embed(${name}): FOLDER and FILES are needed")
  endif()
  set(include "${CMAKE_CURRENT_BINARY_DIR}/embedded_${name}")
  set(header "${include}/dropline/embedded/${name}.hpp")
  set(source "${include}/${name}.cpp")
  set(paths "")
  foreach(file IN LISTS EMBED_FILES)
    list(APPEND paths "${EMBED_FOLDER}/${file}")
  endforeach()
  add_custom_command(OUTPUT "${header}" "${source}"
    COMMAND "${CMAKE_COMMAND}" "-DNAME=${name}" "-DFOLDER=${EMBED_FOLDER}" "-DFILES=${EMBED_FILES}"
            "-DHEADER=${header}" "-DSOURCE=${source}" -P "${DROPLINE_EMBED_SCRIPT}"
    DEPENDS ${paths} "${DROPLINE_EMBED_SCRIPT}"
    COMMENT "Embedding ${name}"
    VERBATIM)
  add_library(dropline_embedded_${name} STATIC "${source}" "${header}")
  add_library(dropline::embedded_${name} ALIAS dropline_embedded_${name})
  target_include_directories(dropline_embedded_${name} PUBLIC "${include}")
  target_link_libraries(dropline_embedded_${name} PRIVATE dropline_options)
endfunction()
