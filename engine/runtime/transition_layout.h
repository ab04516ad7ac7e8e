// Offsets that transitions.S and C++ share; compared with the structs in entry.h and transitions.h.
// Read by the assembler too: preprocessor lines only.
#pragma once

// RegisterBlock
#define TP_BLOCK_INTEGERS 0
#define TP_BLOCK_INTEGER_RESULT 40
#define TP_BLOCK_VECTORS 48
#define TP_BLOCK_BYTES 176

// Activation::Entry
#define TP_ENTRY_FRAME_POINTER 0
#define TP_ENTRY_STACK_POINTER 8
