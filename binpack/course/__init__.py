"""What only the course needs: exercises, recorded results, and a package for each lesson."""
