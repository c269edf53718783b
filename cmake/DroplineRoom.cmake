# What every target of ours is compiled with; third-party targets are untouched.
add_library(dropline_options INTERFACE)
target_compile_features(dropline_options INTERFACE cxx_std_20)
target_compile_options(dropline_options INTERFACE -Wall -Wextra -Wpedantic -Werror)
target_link_libraries(dropline_options INTERFACE Threads::Threads)
if(DROPLINE_SANITIZE)
  # Instrumented code makes g++ 12 warn of results and optionals that are initialised.
  target_compile_options(dropline_options INTERFACE -Wno-maybe-uninitialized
    -fsanitize=${DROPLINE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(dropline_options INTERFACE -fsanitize=${DROPLINE_SANITIZE})
endif()
if(DROPLINE_COVERAGE)
  target_compile_options(dropline_options INTERFACE --coverage)
  target_link_options(dropline_options INTERFACE --coverage)
endif()

# dropline_room(stream SOURCES src/a.cpp LINK dropline::base PRIVATE_LINK PkgConfig::X)
# makes dropline_stream, alias dropline::stream, with include/ and src/ where they belong.
function(dropline_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
  add_library(dropline_${name} STATIC ${ROOM_SOURCES})
  add_library(dropline::${name} ALIAS dropline_${name})
  target_include_directories(dropline_${name} PUBLIC include PRIVATE src)
  target_link_libraries(dropline_${name}
    PUBLIC ${ROOM_LINK} Boost::headers
    PRIVATE dropline_options ${ROOM_PRIVATE_LINK})
endfunction()

# dropline_app(dropline SOURCES main.cpp LINK dropline::worker)
function(dropline_app name)
  cmake_parse_arguments(APP "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${APP_SOURCES})
  target_link_libraries(${name} PRIVATE dropline_options ${APP_LINK})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
endfunction()

# dropline_test(unit_stream SOURCES a_test.cpp LINK dropline::stream LABELS quick)
# Labels: `quick` runs without servers; `servers` needs Kafka and PostgreSQL.
function(dropline_test name)
  cmake_parse_arguments(TEST "" "" "SOURCES;LINK;PRIVATE_LINK;LABELS" ${ARGN})
  add_executable(${name} ${TEST_SOURCES})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests")
  target_link_libraries(${name} PRIVATE
    dropline_options dropline_test_main ${TEST_LINK} ${TEST_PRIVATE_LINK})
  target_compile_definitions(${name} PRIVATE
    DROPLINE_SOURCE_DIR="${PROJECT_SOURCE_DIR}" DROPLINE_BINARY_DIR="${CMAKE_BINARY_DIR}")
  # What is tested is optimised in full; optimising the tests too takes a third longer to build.
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-Og>)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "${TEST_LABELS}")
endfunction()
