// Package host starts and supervises qwill-engine, the child process that runs
// the models, and speaks JSON-RPC 2.0 to it over the child's stdin and stdout,
// one JSON value a line.
//
// Invariants:
//   - at most one child lives at a time, in its own process group, and is always
//     reaped;
//   - notifications reach Config.Notify in the order the child sent them, and all
//     those sent before a response are delivered before the call returns;
//   - a child that dies is started again after a pause, at most Config.Attempts
//     times in a row without a success in between (see Host.Success);
//   - nothing that a user wrote is logged: of unexpected output only its size is,
//     and of stderr only what the child writes there, which never holds prompts.
package host
