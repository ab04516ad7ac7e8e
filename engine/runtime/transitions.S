// The edges between machine code and C++.  Contracts: transitions.h and engine/abi.
//
// Every function here keeps a frame pointer, as guest functions do, so that backtraces can walk
// through and tools find the caller.
#include "engine/runtime/transition_layout.h"

        .intel_syntax noprefix
        .text

// All symbols are this program's own.
        .hidden TidepoolTrap
        .hidden TidepoolOnStackCheck
        .hidden TidepoolOnInterrupt
        .hidden TidepoolHostDispatch

.macro  FUNCTION name
        .p2align 4
        .globl  \name
        .hidden \name
        .type   \name, @function
\name:
        .cfi_startproc
.endm

.macro  END_FUNCTION name
        .cfi_endproc
        .size   \name, . - \name
.endm

.macro  PUSH_FRAME
        push    rbp
        .cfi_def_cfa_offset 16
        .cfi_offset rbp, -16
        mov     rbp, rsp
        .cfi_def_cfa_register rbp
.endm

// edi = TrapCode, in a function with a frame: raises at the return address, in the caller's frame.
.macro  RAISE_IN_CALLER
        xor     esi, esi
        mov     rdx, [rbp + 8]
        mov     rcx, [rbp]
        call    TidepoolTrap
        ud2
.endm

// ---- uint32_t TidepoolEnterGuest(code, context, registers, entry) --------------------------------
FUNCTION TidepoolEnterGuest
        PUSH_FRAME
        push    rbx
        .cfi_offset rbx, -24
        push    r12
        .cfi_offset r12, -32
        push    r13
        .cfi_offset r13, -40
        push    r14
        .cfi_offset r14, -48
        push    r15
        .cfi_offset r15, -56
        push    rdx                     // registers; and six pushes keep rsp 16-aligned.
        mov     [rcx + TP_ENTRY_FRAME_POINTER], rbp
        mov     [rcx + TP_ENTRY_STACK_POINTER], rsp

        mov     rax, rdi
        mov     rdi, rsi
        mov     r10, rdx
        movaps  xmm0, [r10 + TP_BLOCK_VECTORS]
        movaps  xmm1, [r10 + TP_BLOCK_VECTORS + 16]
        movaps  xmm2, [r10 + TP_BLOCK_VECTORS + 32]
        movaps  xmm3, [r10 + TP_BLOCK_VECTORS + 48]
        movaps  xmm4, [r10 + TP_BLOCK_VECTORS + 64]
        movaps  xmm5, [r10 + TP_BLOCK_VECTORS + 80]
        movaps  xmm6, [r10 + TP_BLOCK_VECTORS + 96]
        movaps  xmm7, [r10 + TP_BLOCK_VECTORS + 112]
        mov     rsi, [r10 + TP_BLOCK_INTEGERS]
        mov     rdx, [r10 + TP_BLOCK_INTEGERS + 8]
        mov     rcx, [r10 + TP_BLOCK_INTEGERS + 16]
        mov     r8, [r10 + TP_BLOCK_INTEGERS + 24]
        mov     r9, [r10 + TP_BLOCK_INTEGERS + 32]
        call    rax

        mov     rcx, [rsp]
        mov     [rcx + TP_BLOCK_INTEGER_RESULT], rax
        movaps  [rcx + TP_BLOCK_VECTORS], xmm0
        xor     eax, eax
.Lreturn_to_host:
        add     rsp, 8
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbx
        pop     rbp
        .cfi_def_cfa rsp, 8
        ret
END_FUNCTION TidepoolEnterGuest

// ---- void TidepoolLeaveGuest(stack_pointer, code) ------------------------------------------------
FUNCTION TidepoolLeaveGuest
        mov     rsp, rdi
        mov     eax, esi
        jmp     .Lreturn_to_host
END_FUNCTION TidepoolLeaveGuest

// ---- Guest → host function -----------------------------------------------------------------------
// In: rdi = HostRecord*, parameters as for any guest function.
FUNCTION TidepoolHostThunk
        PUSH_FRAME
        sub     rsp, TP_BLOCK_BYTES
        mov     [rsp + TP_BLOCK_INTEGERS], rsi
        mov     [rsp + TP_BLOCK_INTEGERS + 8], rdx
        mov     [rsp + TP_BLOCK_INTEGERS + 16], rcx
        mov     [rsp + TP_BLOCK_INTEGERS + 24], r8
        mov     [rsp + TP_BLOCK_INTEGERS + 32], r9
        movaps  [rsp + TP_BLOCK_VECTORS], xmm0
        movaps  [rsp + TP_BLOCK_VECTORS + 16], xmm1
        movaps  [rsp + TP_BLOCK_VECTORS + 32], xmm2
        movaps  [rsp + TP_BLOCK_VECTORS + 48], xmm3
        movaps  [rsp + TP_BLOCK_VECTORS + 64], xmm4
        movaps  [rsp + TP_BLOCK_VECTORS + 80], xmm5
        movaps  [rsp + TP_BLOCK_VECTORS + 96], xmm6
        movaps  [rsp + TP_BLOCK_VECTORS + 112], xmm7
        mov     rsi, rsp
        call    TidepoolHostDispatch
        test    eax, eax
        jnz     1f
        mov     rax, [rsp + TP_BLOCK_INTEGER_RESULT]
        movaps  xmm0, [rsp + TP_BLOCK_VECTORS]
        leave
        .cfi_remember_state
        .cfi_def_cfa rsp, 8
        ret
        .cfi_restore_state
1:      mov     edi, eax
        RAISE_IN_CALLER
END_FUNCTION TidepoolHostThunk

// ---- Traps ---------------------------------------------------------------------------------------
// In: edi = TrapCode, return address = where.  Guest code keeps rsp 16-aligned at calls, but a
// redirected fault arrives here from any instruction.
FUNCTION TidepoolRaiseTrap
        xor     esi, esi
        jmp     TidepoolRaiseFault
END_FUNCTION TidepoolRaiseTrap

FUNCTION TidepoolRaiseFault
        mov     edi, edi
        mov     rdx, [rsp]
        mov     rcx, rbp
        and     rsp, -16
        call    TidepoolTrap
        ud2
END_FUNCTION TidepoolRaiseFault

// ---- Slow paths: every register is as it was when they return ------------------------------------
// C++ may change rax, rcx, rdx, rsi, rdi, r8 … r11 and xmm0 … xmm15.
.macro  SLOW_PATH handler
        PUSH_FRAME
        sub     rsp, 336
        and     rsp, -16
        mov     [rsp + 256], rax
        mov     [rsp + 264], rcx
        mov     [rsp + 272], rdx
        mov     [rsp + 280], rsi
        mov     [rsp + 288], rdi
        mov     [rsp + 296], r8
        mov     [rsp + 304], r9
        mov     [rsp + 312], r10
        mov     [rsp + 320], r11
        .irp    number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        movaps  [rsp + 16 * \number], xmm\number
        .endr
        mov     rdi, rax
        call    \handler
        test    eax, eax
        jnz     1f
        .irp    number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        movaps  xmm\number, [rsp + 16 * \number]
        .endr
        mov     rax, [rsp + 256]
        mov     rcx, [rsp + 264]
        mov     rdx, [rsp + 272]
        mov     rsi, [rsp + 280]
        mov     rdi, [rsp + 288]
        mov     r8, [rsp + 296]
        mov     r9, [rsp + 304]
        mov     r10, [rsp + 312]
        mov     r11, [rsp + 320]
        leave
        .cfi_remember_state
        .cfi_def_cfa rsp, 8
        ret
        .cfi_restore_state
1:      mov     edi, eax
        RAISE_IN_CALLER
.endm

// In: rax = the lowest stack pointer that the function will use.
FUNCTION TidepoolStackCheck
        SLOW_PATH TidepoolOnStackCheck
END_FUNCTION TidepoolStackCheck

FUNCTION TidepoolInterrupt
        SLOW_PATH TidepoolOnInterrupt
END_FUNCTION TidepoolInterrupt

// ---- void TidepoolCallOnStack(top, function, argument) -------------------------------------------
// Frame pointers lead from the new stack back to this one, so debuggers and profilers see through.
FUNCTION TidepoolCallOnStack
        PUSH_FRAME
        mov     rsp, rdi
        mov     rdi, rdx
        call    rsi
        leave
        .cfi_def_cfa rsp, 8
        ret
END_FUNCTION TidepoolCallOnStack

        .section .note.GNU-stack, "", @progbits
