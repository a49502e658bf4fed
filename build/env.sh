# Sourced by make and the tests: puts the pinned tools on PATH and tells cgo
# where MLX is. Works from any directory, in bash and in dash when
# QWILL_ROOT is set.
QWILL_ROOT=${QWILL_ROOT:-$(cd "$(dirname "${BASH_SOURCE:-$0}")/.." && pwd)}
export QWILL_ROOT
_deps=$QWILL_ROOT/build/.deps

# Tools fetched because the system had none, or too old ones.
for _dir in "$_deps/go/bin" "$_deps/node/bin"; do
  case :$PATH: in
  *:"$_dir":*) ;;
  *) if [ -d "$_dir" ]; then PATH=$_dir:$PATH; fi ;;
  esac
done
export PATH
if [ -d "$_deps/go/bin" ]; then
  GOROOT=$_deps/go
  export GOROOT
fi
export GOTOOLCHAIN=local

# libmlx is linked only by engine/mlx (`#cgo LDFLAGS: -lmlx`); here is where
# it lies. The run path goes through the environment because Go refuses it in
# #cgo lines. The second one is for an installed copy: bin/ beside lib/.
# SQLite is compiled with its full-text index (which needs libm).
export CGO_CFLAGS="-O2 -g -DSQLITE_ENABLE_FTS5"
export CGO_CXXFLAGS="-O2 -g -std=c++20 -I$_deps/mlx/include"
if [ "$(uname -s)" = Darwin ]; then
  export CGO_LDFLAGS="-L$_deps/mlx/lib -Wl,-rpath,$_deps/mlx/lib -Wl,-rpath,@executable_path/../lib -lm"
else
  export CGO_LDFLAGS="-L$_deps/mlx/lib -Wl,-rpath,$_deps/mlx/lib -Wl,-rpath,\$ORIGIN/../lib -lm"
fi
unset _deps _dir
