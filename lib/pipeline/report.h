// SPDX-License-Identifier: Apache-2.0
// quantization_report.log: a run written down for people, tensor by tensor.
#pragma once

#include <string>
#include <vector>

#include "pipeline/execute.h"
#include "pipeline/manifest.h"
#include "pipeline/plan.h"

namespace pajamas {

// Root mean square error of a tensor relative to its root mean square, 0 when it was not changed.
double relative_rmse(const TensorStats& stats);
// The same over all quantized tensors of output number `output`.
double relative_rmse_of_output(const ExecuteResult& result, const PlannedOutput& planned,
                               std::size_t output);

struct ReportInput {
  const Model& model;
  const Plan& plan;
  const ExecuteResult& result;
  const std::vector<FinishedOutput>& outputs;
  std::string settings;  // the options of the run, a line each
  double wall_seconds = 0;
};

std::string format_report(const ReportInput& input);

}  // namespace pajamas
