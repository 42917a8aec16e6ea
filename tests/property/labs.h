// Labs for property tests: all the small ones, and random ones.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "support/sketch.h"

namespace nslab::test {

// Up to three nodes with every choice of a subnet, of a cable between the first
// two, of services, a setup command and a shared or a user namespace. Two that
// follow each other differ in one choice or a few.
std::vector<LabSketch> small_labs();

// One to six nodes.
LabSketch random_lab(std::mt19937& random);

// The same lab after a user's edit or a few.
LabSketch mutated(LabSketch lab, std::mt19937& random);

// The same lab, declared in another order.
LabSketch shuffled(LabSketch lab, std::mt19937& random);

// For the message of a test that fails.
std::string describe(const LabSketch& lab);

}  // namespace nslab::test
