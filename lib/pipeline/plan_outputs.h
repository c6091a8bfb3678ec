// SPDX-License-Identifier: Apache-2.0
// The two kinds of output that make_plan() puts together. Internal to the pipeline.
#pragma once

#include "base/error.h"
#include "pipeline/plan.h"

namespace pajamas {

Result<PlannedOutput> plan_gguf_output(const Model& model, const PlanOptions& options,
                                       const Recipe& recipe);
// Errors: a source that is not a Hugging Face folder; a type that MLX does not compute in.
Result<PlannedOutput> plan_mlx_output(const Model& model, const MlxPlanOptions& options);

}  // namespace pajamas
