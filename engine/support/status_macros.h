// TP_RETURN_IF_ERROR and TP_ASSIGN_OR_RETURN, with the meaning they have in newer Abseil.
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define TP_STATUS_CONCAT_INNER(a, b) a##b
#define TP_STATUS_CONCAT(a, b) TP_STATUS_CONCAT_INNER(a, b)

#define TP_RETURN_IF_ERROR(expression)                        \
  do {                                                        \
    ::absl::Status tp_status = (expression);                  \
    if (__builtin_expect(!tp_status.ok(), 0)) return tp_status; \
  } while (false)

#define TP_ASSIGN_OR_RETURN(declaration, expression) \
  TP_ASSIGN_OR_RETURN_INNER(TP_STATUS_CONCAT(tp_status_or_, __LINE__), declaration, expression)

#define TP_ASSIGN_OR_RETURN_INNER(temporary, declaration, expression)        \
  auto temporary = (expression);                                             \
  if (__builtin_expect(!temporary.ok(), 0)) return std::move(temporary).status(); \
  declaration = *std::move(temporary)
