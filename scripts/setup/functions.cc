// Graph functions for the addon of @tensorflow/tfjs-node, which offers single operations only, and tensors that they may keep.
//
// A graph is built operation by operation; TensorFlow infers each output's type and shape and computes nothing. A finished
// graph becomes a function of the package's own context, where `executeOp` runs it by its name like any operation.
//
// This file is compiled in place of the package's tfjs_binding.cc, which it includes.

#include <node_api.h>

#include <cstring>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "tensorflow/c/c_api.h"
#include "kernels.h"
#include "tensorflow/c/eager/c_api.h"
#include "utils.h"

// The context and the handles of the tensors are private members.
#define private public
#include "tfjs_backend.h"
#undef private

// The module registers itself at the end of this file instead.
#undef NAPI_MODULE
#define NAPI_MODULE(name, init)
#include "tfjs_binding.cc"

namespace tfnodejs {

namespace {

struct Graph {
  TF_Graph *graph = TF_NewGraph();
  // JavaScript names operations by their position here.
  std::vector<TF_Operation *> operations;
  ~Graph() { Free(); }
  void Free() {
    if (graph != nullptr) TF_DeleteGraph(graph);
    graph = nullptr;
    operations.clear();
  }
};

// The arguments of a call, each converted where it is needed. The first failed conversion throws in JavaScript.
class Arguments {
 public:
  Arguments(napi_env env, napi_callback_info info) : env_(env) {
    size_t count = kMost;
    Check(napi_get_cb_info(env, info, &count, values_, nullptr, nullptr));
  }

  bool ok() const { return ok_; }

  Graph *ToGraph(int at) {
    void *data = nullptr;
    Check(napi_get_value_external(env_, values_[at], &data));
    Graph *graph = static_cast<Graph *>(data);
    if (ok_ && graph->graph == nullptr) Fail("the graph was freed");
    return graph;
  }

  std::string ToText(napi_value value) {
    size_t size = 0;
    if (!Check(napi_get_value_string_utf8(env_, value, nullptr, 0, &size))) return "";
    std::string text(size, '\0');
    Check(napi_get_value_string_utf8(env_, value, &text[0], size + 1, &size));
    return text;
  }
  std::string ToText(int at) { return ToText(values_[at]); }

  int64_t ToInteger(napi_value value) {
    int64_t number = 0;
    Check(napi_get_value_int64(env_, value, &number));
    return number;
  }
  int64_t ToInteger(int at) { return ToInteger(values_[at]); }

  std::vector<napi_value> ToList(napi_value value) {
    uint32_t length = 0;
    if (!Check(napi_get_array_length(env_, value, &length))) return {};
    std::vector<napi_value> items(length);
    for (uint32_t i = 0; i < length; i++) Check(napi_get_element(env_, value, i, &items[i]));
    return items;
  }

  std::vector<int64_t> ToIntegers(napi_value value) {
    std::vector<int64_t> numbers;
    for (napi_value item : ToList(value)) numbers.push_back(ToInteger(item));
    return numbers;
  }
  std::vector<int64_t> ToIntegers(int at) { return ToIntegers(values_[at]); }

  // Outputs of operations, from a flat list: operation, output, operation, output, …
  std::vector<TF_Output> ToOutputs(int at, const Graph &graph) {
    std::vector<int64_t> flat = ToIntegers(at);
    std::vector<TF_Output> outputs;
    for (size_t i = 0; i + 1 < flat.size(); i += 2) {
      outputs.push_back({ToOperation(flat[i], graph), static_cast<int>(flat[i + 1])});
    }
    return outputs;
  }

  std::vector<TF_Operation *> ToOperations(int at, const Graph &graph) {
    std::vector<TF_Operation *> operations;
    for (int64_t index : ToIntegers(at)) operations.push_back(ToOperation(index, graph));
    return operations;
  }

  TF_Operation *ToOperation(int64_t index, const Graph &graph) {
    if (index >= 0 && index < static_cast<int64_t>(graph.operations.size())) return graph.operations[index];
    Fail("the graph has no such operation");
    return nullptr;
  }

  // Sets the attributes of an operation from objects {name, type, value}, as executeOp gets them.
  void SetAttributes(int at, TF_OperationDescription *operation) {
    for (napi_value attribute : ToList(values_[at])) {
      std::string name = ToText(Property(attribute, "name"));
      int64_t type = ToInteger(Property(attribute, "type"));
      napi_value value = Property(attribute, "value");
      if (!ok_) return;
      SetAttribute(operation, name.c_str(), static_cast<TF_AttrType>(type), value);
    }
  }

  // The bytes of a typed array.
  const void *ToBytes(int at, size_t *size) {
    napi_typedarray_type type = napi_uint8_array;
    size_t length = 0;
    void *data = nullptr;
    if (!Check(napi_get_typedarray_info(env_, values_[at], &type, &length, &data, nullptr, nullptr))) return nullptr;
    const bool is_wide = type == napi_float32_array || type == napi_int32_array;
    if (!is_wide && type != napi_uint8_array) Fail("the values are neither float32, int32 nor uint8");
    *size = length * (is_wide ? 4 : 1);
    return data;
  }

  bool Check(napi_status status) {
    if (status != napi_ok) Fail("an argument has the wrong type");
    return ok_;
  }

  bool Check(const TF_AutoStatus &status) {
    if (TF_GetCode(status.status) != TF_OK) Fail(TF_Message(status.status));
    return ok_;
  }

  void Fail(const char *message) {
    if (ok_) napi_throw_error(env_, nullptr, message);
    ok_ = false;
  }

 private:
  static constexpr size_t kMost = 8;

  napi_value Property(napi_value object, const char *name) {
    napi_value value = nullptr;
    Check(napi_get_named_property(env_, object, name, &value));
    return value;
  }

  void SetAttribute(TF_OperationDescription *operation, const char *name, TF_AttrType type, napi_value value) {
    switch (type) {
      case TF_ATTR_STRING: {
        std::string text = ToText(value);
        TF_SetAttrString(operation, name, text.data(), text.size());
        break;
      }
      case TF_ATTR_INT: {
        bool is_list = false;
        Check(napi_is_array(env_, value, &is_list));
        if (is_list) {
          std::vector<int64_t> numbers = ToIntegers(value);
          TF_SetAttrIntList(operation, name, numbers.data(), numbers.size());
        } else {
          TF_SetAttrInt(operation, name, ToInteger(value));
        }
        break;
      }
      case TF_ATTR_FLOAT: {
        double number = 0;
        Check(napi_get_value_double(env_, value, &number));
        TF_SetAttrFloat(operation, name, static_cast<float>(number));
        break;
      }
      case TF_ATTR_BOOL: {
        bool flag = false;
        Check(napi_get_value_bool(env_, value, &flag));
        TF_SetAttrBool(operation, name, flag);
        break;
      }
      case TF_ATTR_TYPE:
        TF_SetAttrType(operation, name, static_cast<TF_DataType>(ToInteger(value)));
        break;
      case TF_ATTR_SHAPE: {
        std::vector<int64_t> shape = ToIntegers(value);
        TF_SetAttrShape(operation, name, shape.data(), shape.size());
        break;
      }
      default:
        Fail("an attribute has a type that graphs do not support");
    }
  }

  napi_env env_;
  napi_value values_[kMost] = {};
  bool ok_ = true;
};

napi_value IntegerValue(napi_env env, int64_t number) {
  napi_value value = nullptr;
  napi_create_int64(env, number, &value);
  return value;
}

// Describes an output as {shape, dtype}. An unknown dimension is -1, and an unknown rank null.
napi_value DescribeOutput(napi_env env, TF_Graph *graph, TF_Output output) {
  TF_AutoStatus status;
  int rank = TF_GraphGetTensorNumDims(graph, output, status.status);
  napi_value shape = nullptr;
  if (rank < 0) {
    napi_get_null(env, &shape);
  } else {
    std::vector<int64_t> dimensions(rank);
    TF_GraphGetTensorShape(graph, output, dimensions.data(), rank, status.status);
    napi_create_array_with_length(env, rank, &shape);
    for (int i = 0; i < rank; i++) napi_set_element(env, shape, i, IntegerValue(env, dimensions[i]));
  }
  napi_value described = nullptr;
  napi_create_object(env, &described);
  napi_set_named_property(env, described, "shape", shape);
  napi_set_named_property(env, described, "dtype", IntegerValue(env, TF_OperationOutputType(output)));
  return described;
}

// Adds the described operation to the graph and returns the descriptions of its outputs.
napi_value Finish(napi_env env, Arguments &arguments, Graph &graph, TF_OperationDescription *description) {
  TF_AutoStatus status;
  TF_Operation *operation = TF_FinishOperation(description, status.status);
  if (!arguments.ok() || !arguments.Check(status)) return nullptr;
  graph.operations.push_back(operation);
  int count = TF_OperationNumOutputs(operation);
  napi_value outputs = nullptr;
  napi_create_array_with_length(env, count, &outputs);
  for (int i = 0; i < count; i++) {
    napi_set_element(env, outputs, i, DescribeOutput(env, graph.graph, {operation, i}));
  }
  return outputs;
}

// copyTensor(shape, dtype, values): a tensor of the context with a copy of a typed array, and its number.
//
// Where an array is aligned, the package's createTensor lends its memory to TensorFlow and gives it back to JavaScript when
// TensorFlow drops the tensor. A thread of TensorFlow may do that last, at the end of a function, and must not call JavaScript.
napi_value CopyTensor(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  std::vector<int64_t> shape = arguments.ToIntegers(0);
  TF_DataType dtype = static_cast<TF_DataType>(arguments.ToInteger(1));
  size_t size = 0;
  const void *values = arguments.ToBytes(2, &size);
  TFJSBackend *backend = GetTFJSBackend(env);
  if (!arguments.ok() || backend == nullptr) return nullptr;
  size_t expected = TF_DataTypeSize(dtype);
  for (int64_t length : shape) expected *= length;
  if (size != expected) {
    arguments.Fail("the number of values does not fit the shape");
    return nullptr;
  }
  TF_Tensor *tensor = TF_AllocateTensor(dtype, shape.data(), shape.size(), size);
  if (size > 0) std::memcpy(TF_TensorData(tensor), values, size);
  TF_AutoStatus status;
  TFE_TensorHandle *handle = TFE_NewTensorHandle(tensor, status.status);
  TF_DeleteTensor(tensor);
  if (!arguments.Check(status)) return nullptr;
  // On a GPU, integers stay in the memory of the host, as the package keeps them.
  if (backend->is_gpu_device && dtype != TF_INT32) {
    TFE_TensorHandle *there = TFE_TensorHandleCopyToDevice(handle, backend->tfe_context_,
                                                           backend->device_name.c_str(), status.status);
    TFE_DeleteTensorHandle(handle);
    if (!arguments.Check(status)) return nullptr;
    handle = there;
  }
  return IntegerValue(env, backend->InsertHandle(handle));
}

// newGraph(): an empty graph. freeGraph or, at the latest, the garbage collector frees it.
napi_value NewGraph(napi_env env, napi_callback_info) {
  napi_value graph = nullptr;
  auto release = [](napi_env, void *data, void *) { delete static_cast<Graph *>(data); };
  napi_create_external(env, new Graph, release, nullptr, &graph);
  return graph;
}

// freeGraph(graph): frees its memory, of which the garbage collector knows nothing. Functions made of it stay.
napi_value FreeGraph(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Graph *graph = arguments.ToGraph(0);
  if (arguments.ok()) graph->Free();
  return nullptr;
}

// addOperation(graph, type, name, attributes, inputs, lists, controls): adds an operation.
//   inputs: a flat list of operations and outputs
//   lists: the lengths of the first arguments, where they take several tensors each
//   controls: the operations that run before it
napi_value AddOperation(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Graph *graph = arguments.ToGraph(0);
  std::string type = arguments.ToText(1);
  std::string name = arguments.ToText(2);
  if (!arguments.ok()) return nullptr;
  std::vector<TF_Output> inputs = arguments.ToOutputs(4, *graph);
  std::vector<int64_t> lists = arguments.ToIntegers(5);
  std::vector<TF_Operation *> controls = arguments.ToOperations(6, *graph);
  size_t listed = 0;
  for (int64_t length : lists) listed += length;
  if (listed > inputs.size()) arguments.Fail("the lists are longer than the inputs");
  if (!arguments.ok()) return nullptr;
  TF_OperationDescription *description = TF_NewOperation(graph->graph, type.c_str(), name.c_str());
  size_t at = 0;
  for (int64_t length : lists) {
    TF_AddInputList(description, inputs.data() + at, static_cast<int>(length));
    at += length;
  }
  for (; at < inputs.size(); at++) TF_AddInput(description, inputs[at]);
  for (TF_Operation *control : controls) TF_AddControlInput(description, control);
  arguments.SetAttributes(3, description);
  return Finish(env, arguments, *graph, description);
}

// addConstant(graph, name, tensorId): adds the value of a tensor of the context.
napi_value AddConstant(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Graph *graph = arguments.ToGraph(0);
  std::string name = arguments.ToText(1);
  int64_t id = arguments.ToInteger(2);
  TFJSBackend *backend = GetTFJSBackend(env);
  if (!arguments.ok() || backend == nullptr) return nullptr;
  auto entry = backend->tfe_handle_map_.find(id);
  if (entry == backend->tfe_handle_map_.end()) {
    arguments.Fail("there is no such tensor");
    return nullptr;
  }
  TF_AutoStatus status;
  TF_Tensor *value = TFE_TensorHandleResolve(entry->second, status.status);
  if (!arguments.Check(status)) return nullptr;
  TF_OperationDescription *description = TF_NewOperation(graph->graph, "Const", name.c_str());
  TF_SetAttrType(description, "dtype", TF_TensorType(value));
  TF_SetAttrTensor(description, "value", value, status.status);
  TF_DeleteTensor(value);
  return Finish(env, arguments, *graph, description);
}

// setShape(graph, operation, output, shape): states a shape that TensorFlow cannot infer.
napi_value SetShape(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Graph *graph = arguments.ToGraph(0);
  if (!arguments.ok()) return nullptr;
  TF_Output output = {arguments.ToOperation(arguments.ToInteger(1), *graph),
                      static_cast<int>(arguments.ToInteger(2))};
  std::vector<int64_t> shape = arguments.ToIntegers(3);
  if (!arguments.ok()) return nullptr;
  TF_AutoStatus status;
  TF_GraphSetTensorShape(graph->graph, output, shape.data(), shape.size(), status.status);
  arguments.Check(status);
  return nullptr;
}

// addFunction(graph, name, inputs, outputs, controls): registers the graph as a function and returns its full name, which
// ends in a hash of its content. All operations in `controls` run, even when no output depends on them.
napi_value AddFunction(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Graph *graph = arguments.ToGraph(0);
  std::string name = arguments.ToText(1);
  if (!arguments.ok()) return nullptr;
  std::vector<TF_Output> inputs = arguments.ToOutputs(2, *graph);
  std::vector<TF_Output> outputs = arguments.ToOutputs(3, *graph);
  std::vector<TF_Operation *> controls = arguments.ToOperations(4, *graph);
  TFJSBackend *backend = GetTFJSBackend(env);
  if (!arguments.ok() || backend == nullptr) return nullptr;
  TF_AutoStatus status;
  TF_Function *function = TF_GraphToFunctionWithControlOutputs(
      graph->graph, name.c_str(), 1, -1, nullptr, inputs.size(), inputs.data(), outputs.size(), outputs.data(),
      nullptr, controls.size(), controls.data(), nullptr, nullptr, nullptr, status.status);
  if (!arguments.Check(status)) return nullptr;
  napi_value full_name = nullptr;
  napi_create_string_utf8(env, TF_FunctionName(function), NAPI_AUTO_LENGTH, &full_name);
  TFE_ContextAddFunction(backend->tfe_context_, function, status.status);
  TF_DeleteFunction(function);
  return arguments.Check(status) ? full_name : nullptr;
}

// removeFunction(name): frees a function that addFunction registered.
napi_value RemoveFunction(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  std::string name = arguments.ToText(0);
  TFJSBackend *backend = GetTFJSBackend(env);
  if (!arguments.ok() || backend == nullptr) return nullptr;
  TF_AutoStatus status;
  TFE_ContextRemoveFunction(backend->tfe_context_, name.c_str(), status.status);
  arguments.Check(status);
  return nullptr;
}

}  // namespace

}  // namespace tfnodejs

NAPI_MODULE_INIT() {
  exports = tfnodejs::InitTFNodeJSBinding(env, exports);
  if (exports == nullptr) return nullptr;
  struct {
    const char *name;
    napi_callback call;
  } const functions[] = {
      {"copyTensor", tfnodejs::CopyTensor},
      {"newGraph", tfnodejs::NewGraph},         {"freeGraph", tfnodejs::FreeGraph},
      {"addOperation", tfnodejs::AddOperation}, {"addConstant", tfnodejs::AddConstant},
      {"setShape", tfnodejs::SetShape},         {"addFunction", tfnodejs::AddFunction},
      {"removeFunction", tfnodejs::RemoveFunction},
  };
  for (const auto &[name, call] : functions) {
    napi_value function = nullptr;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, call, nullptr, &function);
    napi_set_named_property(env, exports, name, function);
  }
  napi_value has_kernels = nullptr;
  napi_get_boolean(env, tfnodejs::RegisterKernels(), &has_kernels);
  napi_set_named_property(env, exports, "hasKernels", has_kernels);
  return exports;
}
