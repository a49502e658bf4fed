package worker

import "qwill/engine/proto"

var errClosing = &proto.Error{Code: proto.CodeEngine, Message: "the engine is closing"}
