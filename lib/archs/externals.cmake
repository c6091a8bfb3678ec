# SPDX-License-Identifier: Apache-2.0
set(PJ_EXTERNALS "")
set(PJ_ALONE TRUE)  # the tables of all families have the same names
