# dropline_embed(dropline_worker NAME worker_migrations FILES ${PROJECT_SOURCE_DIR}/schemas/sql/…)
# puts text files into a target. Its sources then see, in "worker_migrations.hpp",
#   dropline::embedded::worker_migrations()
#     -> std::span<const std::pair<std::string_view, std::string_view>>
# path (from the project's folder) and content of each file, in the order given; they live as long
# as the program. A file that changes is built in anew. Only text: a NUL cannot be carried this way.
set(DROPLINE_EMBED_SCRIPT "${CMAKE_CURRENT_LIST_DIR}/write_embedded.cmake")

# What has to be made before a header that includes one of them can be read.
add_custom_target(embedded_texts)

function(dropline_embed target)
  cmake_parse_arguments(EMBED "" "NAME" "FILES" ${ARGN})
  if(NOT EMBED_NAME OR NOT EMBED_FILES)
    message(FATAL_ERROR "dropline_embed(${target}): NAME and FILES are needed")
  endif()
  set(folder "${CMAKE_CURRENT_BINARY_DIR}/embedded/${target}")
  set(header "${folder}/${EMBED_NAME}.hpp")
  set(source "${folder}/${EMBED_NAME}.cpp")
  set(files "")
  foreach(file IN LISTS EMBED_FILES)
    cmake_path(ABSOLUTE_PATH file BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}" NORMALIZE)
    cmake_path(RELATIVE_PATH file BASE_DIRECTORY "${PROJECT_SOURCE_DIR}")
    list(APPEND files "${file}")
  endforeach()
  list(TRANSFORM files PREPEND "${PROJECT_SOURCE_DIR}/" OUTPUT_VARIABLE paths)
  add_custom_command(OUTPUT "${header}" "${source}"
    COMMAND "${CMAKE_COMMAND}" "-DNAME=${EMBED_NAME}" "-DFOLDER=${PROJECT_SOURCE_DIR}"
            "-DFILES=${files}" "-DHEADER=${header}" "-DSOURCE=${source}"
            -P "${DROPLINE_EMBED_SCRIPT}"
    DEPENDS ${paths} "${DROPLINE_EMBED_SCRIPT}"
    COMMENT "Embedding ${EMBED_NAME}"
    VERBATIM)
  add_custom_target("embed_${target}_${EMBED_NAME}" DEPENDS "${header}" "${source}")
  add_dependencies(embedded_texts "embed_${target}_${EMBED_NAME}")
  target_sources(${target} PRIVATE "${source}" "${header}")
  target_include_directories(${target} PRIVATE "${folder}")
endfunction()
