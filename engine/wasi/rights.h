// Rights: what a descriptor may be used for, and what those opened through it may.  They only ever
// shrink.  Read-only preopens do not rest on them (descriptor.h: `read_only`).
#pragma once

#include <cstdint>

namespace tidepool::engine::wasi {

using Rights = uint64_t;

namespace rights {
inline constexpr Rights kFdDatasync = 1u << 0;
inline constexpr Rights kFdRead = 1u << 1;
inline constexpr Rights kFdSeek = 1u << 2;
inline constexpr Rights kFdSetFlags = 1u << 3;
inline constexpr Rights kFdSync = 1u << 4;
inline constexpr Rights kFdTell = 1u << 5;
inline constexpr Rights kFdWrite = 1u << 6;
inline constexpr Rights kFdAdvise = 1u << 7;
inline constexpr Rights kFdAllocate = 1u << 8;
inline constexpr Rights kPathCreateDirectory = 1u << 9;
inline constexpr Rights kPathCreateFile = 1u << 10;
inline constexpr Rights kPathLinkSource = 1u << 11;
inline constexpr Rights kPathLinkTarget = 1u << 12;
inline constexpr Rights kPathOpen = 1u << 13;
inline constexpr Rights kFdReaddir = 1u << 14;
inline constexpr Rights kPathReadlink = 1u << 15;
inline constexpr Rights kPathRenameSource = 1u << 16;
inline constexpr Rights kPathRenameTarget = 1u << 17;
inline constexpr Rights kPathFilestatGet = 1u << 18;
inline constexpr Rights kPathSetSize = 1u << 19;
inline constexpr Rights kPathSetTimes = 1u << 20;
inline constexpr Rights kFdFilestatGet = 1u << 21;
inline constexpr Rights kFdSetSize = 1u << 22;
inline constexpr Rights kFdSetTimes = 1u << 23;
inline constexpr Rights kPathSymlink = 1u << 24;
inline constexpr Rights kPathRemoveDirectory = 1u << 25;
inline constexpr Rights kPathUnlinkFile = 1u << 26;
inline constexpr Rights kPoll = 1u << 27;

// What each kind of descriptor can be used for at all.
inline constexpr Rights kFile = kFdDatasync | kFdRead | kFdSeek | kFdSetFlags | kFdSync | kFdTell |
                                kFdWrite | kFdAdvise | kFdAllocate | kFdFilestatGet | kFdSetSize |
                                kFdSetTimes | kPoll;
inline constexpr Rights kDirectory =
    kFdSetFlags | kFdSync | kFdDatasync | kPathCreateDirectory | kPathCreateFile | kPathLinkSource |
    kPathLinkTarget | kPathOpen | kFdReaddir | kPathReadlink | kPathRenameSource |
    kPathRenameTarget | kPathFilestatGet | kPathSetSize | kPathSetTimes | kFdFilestatGet |
    kFdSetTimes | kPathSymlink | kPathRemoveDirectory | kPathUnlinkFile | kPoll;
inline constexpr Rights kInput = kFdRead | kFdSetFlags | kFdFilestatGet | kPoll;
inline constexpr Rights kOutput =
    kFdWrite | kFdSetFlags | kFdFilestatGet | kPoll | kFdSync | kFdDatasync;

// What of a request to open a file means that its contents are to be changed.
inline constexpr Rights kChangesContents = kFdWrite | kFdAllocate | kFdSetSize;
}  // namespace rights

}  // namespace tidepool::engine::wasi
